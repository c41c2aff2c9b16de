//! What is known of the cluster: the project's objects, and the pods of their namespaces. Whose a pod is, and whether it belongs to
//! what was applied last, is found here.

use super::{
    news::{Record, ReplicaSet, Scope, Warning, What},
    object::Sighted,
    pod::{Owner, SightedPod},
};
use crate::{
    engine::PodSearch,
    model::{KubeState, ObjectKey, ObjectState, PodPhase, PodState, ResourceName},
};
use std::collections::{BTreeMap, BTreeSet};

/// How many warnings are kept.
const WARNINGS_MAX: usize = 2000;
/// How many owners between a pod and an object of the project.
const CHAIN_MAX: usize = 8;
/// Reasons of warnings that say less than the pod's own status.
const SAYS_LITTLE: [&str; 3] = ["BackOff", "Failed", "InspectFailed"];

/// What is known.
#[derive(Default)]
pub(super) struct Known {
    pub(super) objects: BTreeMap<String, (Scope, Sighted)>,
    pods: BTreeMap<String, (Scope, SightedPod)>,
    sets: BTreeMap<String, (Scope, ReplicaSet)>,
    warnings: BTreeMap<String, (Scope, Warning)>,
    /// What owns things and is neither of these, by its id: what owns it in turn.
    pub(super) owners: BTreeMap<String, Option<Owner>>,
    /// What is said of drift, by the object's id.
    pub(super) drift: BTreeMap<String, String>,
    pub(super) searches: BTreeMap<ResourceName, PodSearch>,
    /// Whose each object is that the project declares.
    pub(super) declared: BTreeMap<ObjectKey, ResourceName>,
    /// Namespaces of each resource.
    pub(super) namespaces: BTreeMap<ResourceName, BTreeSet<String>>,
}

/// What changed: whose, and owners that nobody knows.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) resources: BTreeSet<ResourceName>,
    pub(super) objects: BTreeSet<String>,
    pub(super) unknown: Vec<(String, Owner)>,
}

impl Known {
    /// Takes what a stream told.
    pub(super) fn take(&mut self, scope: Scope, what: What, touched: &mut Touched) {
        match what {
            What::Here(Record::Object(one)) => self.take_object(scope, *one, touched),
            What::Here(Record::Pod(pod)) => self.take_pod(scope, *pod, touched),
            What::Here(Record::Set(set)) => {
                let owner = set.owner.clone();
                let before = self.sets.insert(set.uid.clone(), (scope, *set));
                let is_news =
                    before.is_none_or(|(_, before)| self.sets.get(&before.uid).is_none_or(|(_, now)| *now != before));
                if is_news
                    && let Some(resource) =
                        owner.and_then(|owner| self.root_of(&owner)).map(|root| root.resource.clone())
                {
                    touched.resources.insert(resource);
                }
            }
            What::Here(Record::Warning(warning)) => {
                self.touch_about(&warning.about, touched);
                self.warnings.insert(warning.uid.clone(), (scope, *warning));
                self.forget_old_warnings();
            }
            What::Gone(uid) => self.drop_one(&uid, touched),
            What::Listed(there) => self.keep_only(&scope, &there, touched),
            What::Refused(_) => self.keep_only(&scope, &BTreeSet::new(), touched),
        }
    }

    pub(super) fn take_object(&mut self, scope: Scope, one: Sighted, touched: &mut Touched) {
        if let Some((_, before)) = self.objects.get(&one.uid) {
            if before.version > one.version {
                return;
            }
            touched.resources.insert(before.resource.clone());
        }
        touched.resources.insert(one.resource.clone());
        touched.objects.insert(one.uid.clone());
        self.objects.insert(one.uid.clone(), (scope, one));
    }

    fn take_pod(&mut self, scope: Scope, pod: SightedPod, touched: &mut Touched) {
        let uid = pod.state.id.0.to_string();
        if self.pods.get(&uid).is_some_and(|(_, before)| before.version > pod.version) {
            return;
        }
        touched.resources.extend(self.resources_of(&pod));
        if let Some(owner) = self.unknown_owner(&pod) {
            touched.unknown.push((pod.state.namespace.clone(), owner));
        }
        self.pods.insert(uid, (scope, pod));
    }

    /// Something is gone for good.
    pub(super) fn drop_one(&mut self, uid: &str, touched: &mut Touched) {
        self.drift.remove(uid);
        if let Some((_, one)) = self.objects.remove(uid) {
            touched.resources.insert(one.resource);
        }
        if let Some((_, pod)) = self.pods.remove(uid) {
            touched.resources.extend(self.resources_of(&pod));
        }
        self.sets.remove(uid);
        self.warnings.remove(uid);
    }

    fn keep_only(&mut self, scope: &Scope, there: &BTreeSet<String>, touched: &mut Touched) {
        let of = |(uid, of): (&String, &Scope)| (of == scope && !there.contains(uid)).then(|| uid.clone());
        let gone: Vec<String> = match scope {
            Scope::Objects { .. } => self.objects.iter().filter_map(|(uid, (scope, _))| of((uid, scope))).collect(),
            Scope::Pods(_) => self.pods.iter().filter_map(|(uid, (scope, _))| of((uid, scope))).collect(),
            Scope::Sets(_) => self.sets.iter().filter_map(|(uid, (scope, _))| of((uid, scope))).collect(),
            Scope::Warnings(_) => self.warnings.iter().filter_map(|(uid, (scope, _))| of((uid, scope))).collect(),
        };
        gone.iter().for_each(|uid| self.drop_one(uid, touched));
    }

    fn touch_about(&self, uid: &str, touched: &mut Touched) {
        if let Some((_, pod)) = self.pods.get(uid) {
            touched.resources.extend(self.resources_of(pod));
        } else if let Some(root) = self.root(uid) {
            touched.resources.insert(root.resource.clone());
        }
    }

    fn forget_old_warnings(&mut self) {
        while self.warnings.len() > WARNINGS_MAX {
            let oldest = self.warnings.iter().min_by_key(|(_, (_, warning))| warning.at).map(|(uid, _)| uid.clone());
            let Some(oldest) = oldest else { return };
            self.warnings.remove(&oldest);
        }
    }

    /// Somebody asked what an owner is.
    pub(super) fn take_owner(&mut self, uid: String, owner: Option<Owner>, touched: &mut Touched) {
        self.owners.insert(uid, owner);
        for (_, pod) in self.pods.values() {
            touched.resources.extend(self.resources_of(pod));
            if let Some(owner) = self.unknown_owner(pod) {
                touched.unknown.push((pod.state.namespace.clone(), owner));
            }
        }
    }

    /// The first owner above a pod of which nothing is known. A replica set tells itself.
    fn unknown_owner(&self, pod: &SightedPod) -> Option<Owner> {
        let mut owner = pod.owner.clone()?;
        for _ in 0..CHAIN_MAX {
            if self.objects.contains_key(&owner.uid) || owner.kind == "Node" {
                return None;
            }
            owner = match (self.sets.get(&owner.uid), self.owners.get(&owner.uid)) {
                (Some((_, set)), _) => set.owner.clone()?,
                (None, Some(above)) => above.clone()?,
                (None, None) if owner.kind == "ReplicaSet" => return None,
                (None, None) => return Some(owner),
            };
        }
        None
    }

    /// The object of the project that is, or owns, what has this id.
    fn root(&self, uid: &str) -> Option<&Sighted> {
        let mut uid = uid.to_owned();
        for _ in 0..CHAIN_MAX {
            if let Some((_, one)) = self.objects.get(&uid) {
                return Some(one);
            }
            let above = self.sets.get(&uid).map(|(_, set)| &set.owner).or_else(|| self.owners.get(&uid))?;
            uid = above.as_ref()?.uid.clone();
        }
        None
    }

    fn root_of(&self, owner: &Owner) -> Option<&Sighted> {
        self.root(&owner.uid)
    }

    /// What makes pods of one template after the other, whoever made that: the owner of a pod, or what is above it where each template
    /// has an owner of its own.
    fn maker(&self, pod: &SightedPod) -> Option<String> {
        let owner = pod.owner.as_ref()?;
        let above = self.sets.get(&owner.uid).map(|(_, set)| &set.owner).or_else(|| self.owners.get(&owner.uid));
        let above =
            above.and_then(Option::as_ref).filter(|above| owner.kind == "ReplicaSet" || above.kind == "CronJob");
        Some(above.unwrap_or(owner).uid.clone())
    }

    /// Whose a pod is.
    fn resources_of(&self, pod: &SightedPod) -> BTreeSet<ResourceName> {
        let root = self.root(&pod.state.id.0).or_else(|| pod.owner.as_ref().and_then(|owner| self.root_of(owner)));
        let owned = root.map(|root| root.resource.clone());
        let owned = owned.filter(|resource| self.searches.get(resource).is_none_or(|search| search.owned));
        let selected = self.searches.iter().filter(|(resource, search)| {
            let has = |labels: &BTreeMap<String, String>| {
                labels.iter().all(|(name, value)| pod.labels.get(name) == Some(value))
            };
            let is_there = self.namespaces.get(*resource).is_none_or(|all| all.contains(&pod.state.namespace));
            is_there && search.selectors.iter().any(has)
        });
        owned.into_iter().chain(selected.map(|(resource, _)| resource.clone())).collect()
    }

    /// Whether a pod is of what its owner was told last; `None` where only the other pods can tell.
    fn is_current(&self, pod: &SightedPod) -> Option<bool> {
        let owner = pod.owner.as_ref()?;
        let root = self.root_of(owner)?;
        if !root.rollout.is_observed {
            return Some(false);
        }
        let revision = root.rollout.revision.as_deref();
        match (root.key.group.as_str(), root.key.kind.as_str()) {
            ("apps", "Deployment") => {
                let own = self.sets.get(&owner.uid).and_then(|(_, set)| set.revision.as_deref());
                Some(own.is_some() && own == revision)
            }
            ("apps", "StatefulSet") => Some(pod.labels.get("controller-revision-hash").map(String::as_str) == revision),
            ("apps", "DaemonSet") if revision.is_some() => {
                Some(pod.labels.get("pod-template-generation").map(String::as_str) == revision)
            }
            ("apps", "ReplicaSet") | ("batch", "Job") => Some(true),
            _ => None,
        }
    }

    /// What the cluster has of a resource.
    pub(super) fn state(&self, resource: &ResourceName) -> KubeState {
        let objects =
            self.objects.values().map(|(_, one)| one).filter(|one| one.resource == *resource && !one.is_ending);
        let objects = objects.map(|one| {
            let drift = self.drift.get(&one.uid).or(one.changed_by.as_ref()).cloned();
            let (fingerprint, is_kept, is_complete) = (one.fingerprint, one.is_kept, one.rollout.is_complete);
            (one.key.clone(), ObjectState { fingerprint, drift, is_kept, is_complete })
        });
        let mut own =
            self.objects.values().map(|(_, one)| one).filter(|one| one.resource == *resource && !one.is_ending);
        let trouble = own.find_map(|one| one.rollout.trouble.clone().or_else(|| self.refused(&one.uid)));
        KubeState { objects: objects.collect(), pods: self.pods_of(resource), trouble }
    }

    fn pods_of(&self, resource: &ResourceName) -> Vec<PodState> {
        let own = self.pods.values().map(|(_, pod)| pod).filter(|pod| self.resources_of(pod).contains(resource));
        let own: Vec<&SightedPod> = own.collect();
        let mut pods: Vec<PodState> = own
            .iter()
            .map(|pod| {
                let is_current = self.is_current(pod).unwrap_or_else(|| self.is_of_the_newest(pod, &own));
                PodState { is_current, trouble: self.trouble(pod), ..pod.state.clone() }
            })
            .collect();
        pods.sort_by(|a, b| b.created_at_ns.cmp(&a.created_at_ns).then_with(|| a.name.cmp(&b.name)));
        pods
    }

    /// Whether no pod of the same maker is newer and of another template.
    fn is_of_the_newest(&self, pod: &SightedPod, all: &[&SightedPod]) -> bool {
        let Some(maker) = self.maker(pod) else { return true };
        let template = |pod: &SightedPod| {
            pod.revision().map(str::to_owned).or_else(|| pod.owner.as_ref().map(|owner| owner.uid.clone()))
        };
        let same = all.iter().filter(|other| self.maker(other).as_ref() == Some(&maker));
        let newest = same.max_by_key(|other| other.state.created_at_ns);
        newest.is_none_or(|newest| template(newest) == template(pod))
    }

    fn trouble(&self, pod: &SightedPod) -> Option<String> {
        if pod.trouble.is_some()
            || (pod.state.is_ready && pod.state.phase == PodPhase::Running)
            || pod.state.phase == PodPhase::Succeeded
        {
            return pod.trouble.clone();
        }
        self.last_warning(&pod.state.id.0, |warning| !SAYS_LITTLE.contains(&warning.reason.as_str()))
    }

    /// What a controller says that was not allowed to make what it should.
    fn refused(&self, uid: &str) -> Option<String> {
        let told = self.last_warning(uid, |warning| warning.reason == "FailedCreate")?;
        let has_pods = self.pods.values().any(|(_, pod)| pod.owner.as_ref().is_some_and(|owner| owner.uid == uid));
        (!has_pods).then_some(told)
    }

    fn last_warning(&self, uid: &str, counts: impl Fn(&Warning) -> bool) -> Option<String> {
        let about = self
            .warnings
            .values()
            .map(|(_, warning)| warning)
            .filter(|warning| warning.about == uid && counts(warning));
        about.max_by_key(|warning| warning.at).map(|warning| {
            let text = format!("{}: {}", warning.reason, warning.message);
            text.trim_end_matches([':', ' ']).to_owned()
        })
    }

    /// Ports that the containers of a pod declare.
    pub(super) fn ports_of(&self, uid: &str) -> Vec<u16> {
        self.pods.get(uid).map(|(_, pod)| pod.ports.clone()).unwrap_or_default()
    }

    /// All resources that something is known of.
    pub(super) fn resources(&self) -> BTreeSet<ResourceName> {
        let objects = self.objects.values().map(|(_, one)| one.resource.clone());
        objects.chain(self.searches.keys().cloned()).collect()
    }
}
