//! What a container may, and how much of the machine it gets.

use super::{sh, web};
use crate::docker::{Container, Engine};
use bollard::models::HostConfig;

fn host(container: &Container) -> &HostConfig {
    container.inspected.host_config.as_ref().unwrap()
}

#[test]
fn it_gets_no_more_than_it_is_allowed() {
    let Some(engine) = Engine::shared() else { return };
    let (_sandbox, web) = web(&engine, "memory='64m', cpus=0.5, pids_limit=64, shm_size='16m'");
    let host = host(&web);
    assert_eq!((host.memory, host.nano_cpus, host.pids_limit), (Some(64 << 20), Some(500_000_000), Some(64)));
    assert_eq!(sh(&engine, &web, "df -k /dev/shm | tail -1 | awk '{print $2}'"), "16384");
}

#[test]
fn what_is_read_only_is_so_but_for_its_folders_in_memory() {
    let Some(engine) = Engine::shared() else { return };
    let arguments = "read_only=True, tmpfs=['/run:size=1m', '/scratch'], platform='linux/amd64', \
                     extra_hosts=['lighthouse:10.1.2.3']";
    let (_sandbox, web) = web(&engine, arguments);
    sh(&engine, &web, "! touch /etc/x 2>/dev/null; touch /run/x /scratch/x");
    assert_eq!(sh(&engine, &web, "df -k /run | tail -1 | awk '{print $2}'"), "1024");
    assert!(sh(&engine, &web, "cat /etc/hosts").contains("10.1.2.3\tlighthouse"));
}

#[test]
fn capabilities_are_added_and_taken_away() {
    let Some(engine) = Engine::shared() else { return };
    let (sandbox, one) = web(&engine, "cap_add='SYS_ADMIN', cap_drop=['CHOWN', 'NET_RAW']");
    sh(
        &engine,
        &one,
        "mount -t tmpfs none /mnt || mount -t tmpfs none /srv; touch /tmp/x; ! chown 1 /tmp/x 2>/dev/null",
    );
    sandbox.write("Orchfile", &super::sleeping("web", "privileged=True"));
    // It does not start where the engine itself may not all.
    super::ci(&engine, &sandbox);
    let two = engine.container("web").unwrap();
    assert_ne!(one.id, two.id);
    assert_eq!((host(&one).privileged, host(&two).privileged), (Some(false), Some(true)));
}
