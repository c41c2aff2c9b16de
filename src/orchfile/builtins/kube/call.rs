//! What the calls of `k8s_resource` do to the resources that objects became, in the order of the calls.

use super::{
    assemble::{Assembly, Made},
    autoscale,
    selector::{Fragment, full_name},
};
use crate::{
    diag::suggest::suggest,
    model::KubeObject,
    orchfile::{Fault, context::Context, draft::ResourceCall},
};

/// So many names a message lists.
const NAMES_MAX: usize = 20;

/// Applies the calls; says what is wrong with each.
pub(super) fn apply(calls: Vec<ResourceCall>, assembly: &mut Assembly, context: &Context<'_>) {
    for call in calls {
        let site = call.site.clone();
        if let Err(fault) = apply_one(call, assembly, context) {
            context.report(site.as_ref(), fault);
        }
    }
}

fn apply_one(call: ResourceCall, assembly: &mut Assembly, context: &Context<'_>) -> Result<(), Fault> {
    let name = match (&call.workload, &call.new_name) {
        (Some(workload), _) => workload.clone(),
        (None, Some(new)) => {
            match assembly.add(new.as_str(), call.site.clone(), context) {
                Some(made) => made.is_group = true,
                None => return Ok(()),
            }
            new.as_str().to_owned()
        }
        (None, None) => return Ok(()),
    };
    if assembly.find(&name).is_none() {
        return Err(unknown(&name, assembly));
    }
    let objects = call.objects.iter().map(|text| take(text, assembly)).collect::<Result<Vec<_>, _>>()?;
    if let Some(new) =
        call.new_name.as_ref().filter(|new| new.as_str() != name && assembly.find(new.as_str()).is_some())
    {
        let message = format!("`{name}` cannot be called `{new}`: there is a Kubernetes resource of that name");
        return Err(Fault::new("orchfile::duplicate_name", message)
            .help("choose another name")
            .at_literal(new.as_str()));
    }
    let Some(made) = assembly.find(&name) else { return Ok(()) };
    made.objects.extend(objects);
    scale(&call, made)?;
    say(call, made);
    Ok(())
}

fn say(call: ResourceCall, made: &mut Made) {
    let (resource, spec) = (&mut made.resource, &mut made.spec);
    if let Some(name) = call.new_name {
        resource.name = name;
    }
    if !call.dependencies.is_empty() {
        // Messages about what it waits for point to the call that says it.
        resource.site = call.site;
    }
    resource.dependencies.extend(call.dependencies);
    resource.trigger_mode = call.trigger_mode.or(resource.trigger_mode);
    resource.auto_init = call.auto_init.unwrap_or(resource.auto_init);
    resource.links.extend(call.links);
    resource.labels.extend(call.labels);
    resource.labels.sort();
    resource.labels.dedup();
    spec.port_forwards.extend(call.port_forwards);
    spec.extra_pod_selectors.extend(call.extra_pod_selectors);
    spec.discovery = call.discovery.or(spec.discovery);
    made.readiness = call.pod_readiness.or(made.readiness);
}

/// Makes what scales the workload, and leaves its replicas to that.
fn scale(call: &ResourceCall, made: &mut Made) -> Result<(), Fault> {
    let Some(autoscale) = call.autoscale else { return Ok(()) };
    let Some(workload) = made.objects.iter_mut().find(|object| autoscale::can_be_scaled(object)) else {
        let message =
            format!("`{}` cannot be scaled: it has no Deployment, StatefulSet or ReplicaSet", made.resource.name);
        return Err(Fault::value(message).at_keyword("autoscale"));
    };
    if let Some(spec) = workload.value.get_mut("spec").and_then(serde_json::Value::as_object_mut) {
        spec.remove("replicas");
    }
    let scaler = autoscale.object(workload);
    made.objects.retain(|object| object.kind != scaler.kind || object.name != scaler.name);
    made.objects.push(scaler);
    Ok(())
}

/// Takes the one object that a fragment means out of those that are nobody's.
fn take(text: &str, assembly: &mut Assembly) -> Result<KubeObject, Fault> {
    let fragment = Fragment::parse(text).map_err(|reason| {
        Fault::value(format!("the object {reason}"))
            .help("write `name`, `name:kind` or `name:kind:namespace`, with a backslash before a `:` in a name")
            .at_literal(text)
    })?;
    let meant: Vec<_> = assembly.all.iter().filter(|object| fragment.matches(object)).map(full_name).collect();
    if meant.is_empty() {
        return Err(unknown_object(text, assembly));
    }
    if meant.len() > 1 {
        let message = format!("`{text}` means {} objects: {}", meant.len(), quoted(&meant));
        return Err(Fault::new("orchfile::ambiguous_object", message)
            .help(format!("write which one, such as `{}`", meant[0]))
            .at_literal(text));
    }
    let place = assembly.rest.iter().position(|known| fragment.matches(&known.object));
    match place {
        Some(place) => Ok(assembly.rest.remove(place).object),
        None => Err(taken(text, &fragment, assembly)),
    }
}

fn unknown_object(text: &str, assembly: &Assembly) -> Fault {
    let all: Vec<_> = assembly.all.iter().map(full_name).collect();
    let there = there_are(&all);
    // What is written is mostly a name alone.
    let parts = text.matches(':').count();
    let shown = all.iter().map(|name| {
        let ends = name.match_indices(':').map(|(at, _)| at).nth(parts);
        ends.map_or(name.as_str(), |end| &name[..end])
    });
    let message = format!("no object is called `{text}`; {there}");
    Fault::new("orchfile::unknown_object", message)
        .maybe_help(suggest(text, shown).map(|near| format!("did you mean `{near}`?")))
        .at_literal(text)
}

fn taken(text: &str, fragment: &Fragment, assembly: &Assembly) -> Fault {
    let owner = assembly.made.iter().find(|made| made.objects.iter().any(|object| fragment.matches(object)));
    let owner = owner.map(|made| format!(": it belongs to the resource `{}`", made.resource.name)).unwrap_or_default();
    Fault::new("orchfile::taken_object", format!("the object `{text}` is taken already{owner}"))
        .help("an object belongs to one resource; remove it from this list")
        .at_literal(text)
}

fn unknown(name: &str, assembly: &Assembly) -> Fault {
    let names: Vec<_> = assembly.made.iter().map(|made| made.resource.name.to_string()).collect();
    let there = there_are(&names);
    let message = format!("there is no Kubernetes resource `{name}`; {there}");
    Fault::new("orchfile::unknown_resource", message)
        .maybe_help(suggest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?")))
        .at_literal(name)
}

fn there_are(names: &[String]) -> String {
    match names {
        [] => "there are none".to_owned(),
        [only] => format!("there is only `{only}`"),
        _ => format!("there are {}", quoted(names)),
    }
}

fn quoted(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}
