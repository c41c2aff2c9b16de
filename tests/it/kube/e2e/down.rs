//! `orch down` of some resources, and where the Orchfile is of no help.

use super::bad_input::project;
use crate::{
    kube::{Room, look::deployment},
    sandbox::Sandbox,
};

/// Two Deployments that are up.
fn two(room: &Room) -> Sandbox {
    let yaml = format!("{}---\n{}", deployment("web", "sleep 1000"), deployment("api", "sleep 1000"));
    let sandbox = project(&room.kubeconfig_here(|_| {}), &yaml, "");
    sandbox.orch(&["ci"]).expect_code(0);
    assert_eq!(there(room), "deployment.apps/api\ndeployment.apps/web");
    sandbox
}

fn there(room: &Room) -> String {
    room.kubectl(&["get", "deployment", "-o", "name"])
}

#[test]
fn down_of_a_name_leaves_the_others() {
    let Some(room) = Room::new() else { return };
    let sandbox = two(&room);
    sandbox.orch(&["down", "web"]).expect_code(0);
    assert_eq!(there(&room), "deployment.apps/api");
    // The same without a working Orchfile.
    sandbox.orch(&["ci"]).expect_code(0);
    sandbox.write("Orchfile", "no_such_word()\n");
    let said = sandbox.orch(&["down", "api"]).expect_code(2).all();
    assert!(said.contains("deleted Deployment api"), "{said}");
    assert_eq!(there(&room), "deployment.apps/web");
    sandbox.orch(&["down"]).expect_code(2);
    assert_eq!(there(&room), "");
}

#[test]
fn without_an_orchfile_objects_are_found_by_their_marks() {
    let Some(room) = Room::new() else { return };
    let sandbox = two(&room);
    room.kubectl(&["annotate", "deployment", "api", "orch.dev/keep=true"]);
    std::fs::remove_file(sandbox.path("Orchfile")).unwrap();
    // Whoever names another context is told where the objects are.
    let said = sandbox.orch(&["down", "--context", "elsewhere"]).expect_code(2).all();
    assert!(said.contains("are in the context `kind-env`, not in `elsewhere`"), "{said}");
    let said = sandbox.orch(&["down"]).expect_code(0).all();
    assert!(said.contains("there is no Orchfile any more") && said.contains("deleted Deployment web"), "{said}");
    assert_eq!(there(&room), "deployment.apps/api");
    room.kubectl(&["annotate", "deployment", "api", "orch.dev/keep-"]);
    sandbox.orch(&["down"]).expect_code(0);
    assert_eq!(there(&room), "");
}

#[test]
fn a_context_that_leads_elsewhere_now_is_not_asked() {
    let Some(room) = Room::new() else { return };
    let kubeconfig = room.kubeconfig_here(|_| {});
    let sandbox = project(&kubeconfig, &deployment("web", "sleep 1000"), "");
    sandbox.orch(&["ci"]).expect_code(0);
    let other = room.kubeconfig_here(|value| {
        value["clusters"][0]["name"] = "prod".into();
        value["contexts"][0]["context"]["cluster"] = "prod".into();
    });
    std::fs::copy(other, &kubeconfig).unwrap();
    std::fs::remove_file(sandbox.path("Orchfile")).unwrap();
    let said = sandbox.orch(&["down"]).expect_code(125).all();
    assert!(said.contains("does not lead to the cluster `kind-env` any more"), "{said}");
    assert_eq!(there(&room), "deployment.apps/web");
}
