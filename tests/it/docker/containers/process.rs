//! What runs in a container, and as whom.

use super::{ci, sh, sleeping, web};
use crate::docker::{Container, Engine};
use bollard::models::ContainerConfig;

fn config(container: &Container) -> &ContainerConfig {
    container.inspected.config.as_ref().unwrap()
}

#[test]
fn a_command_is_words_and_an_entrypoint_comes_before_it() {
    let Some(engine) = Engine::shared() else { return };
    let base = Engine::base();
    let sandbox = engine.sandbox(&format!(
        "docker_container('words', {base:?}, command=\"sh -c 'echo two  spaces; exec sleep 1000000'\", init=True)\n\
         docker_container('both', {base:?}, command=['echo $HOME; exec sleep 1000000'], entrypoint=['sh', '-c'])\n"
    ));
    ci(&engine, &sandbox).expect_code(0);
    let [words, both] = ["words", "both"].map(|name| engine.container(name).unwrap());
    assert_eq!(config(&words).cmd.as_deref().unwrap(), ["sh", "-c", "echo two  spaces; exec sleep 1000000"]);
    assert_eq!(engine.logs(&words), "two spaces\n");
    assert_eq!(config(&both).entrypoint.as_deref().unwrap(), ["sh", "-c"]);
    assert_eq!(engine.logs(&both), "/root\n");
}

#[test]
fn its_environment_is_what_is_said_and_what_is_taken_from_here() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&format!(
        "{}{}",
        sleeping("dict", "env={'PAIR': 'a=b', 'EMPTY': ''}"),
        sleeping("list", "env=['PAIR=a=b', 'HERE', 'NOWHERE']")
    ));
    let sandbox = sandbox.env("HERE", "from here");
    ci(&engine, &sandbox).expect_code(0);
    let [dict, list] = ["dict", "list"].map(|name| engine.container(name).unwrap());
    assert_eq!(sh(&engine, &dict, "echo $PAIR,${EMPTY-unset},${HERE-unset}"), "a=b,,unset");
    assert_eq!(sh(&engine, &list, "echo $PAIR,$HERE,${NOWHERE-unset}"), "a=b,from here,unset");
}

#[test]
fn it_runs_as_and_where_it_is_told() {
    let Some(engine) = Engine::shared() else { return };
    let arguments = "user='1234:4321', workdir='/etc', hostname='lighthouse', tty=True, stop_signal='SIGINT', \
                     stop_timeout='1500ms', container_labels={'who': 'me', 'orch.project': 'nobody'}";
    let (_sandbox, web) = web(&engine, arguments);
    assert_eq!(sh(&engine, &web, "id -u; id -g; pwd; hostname"), "1234\n4321\n/etc\nlighthouse");
    assert_eq!(sh(&engine, &web, "cat /proc/1/cmdline | tr '\\0' ' '").split(' ').next(), Some("/sbin/docker-init"));
    let config = config(&web);
    assert_eq!((config.tty, config.stop_timeout), (Some(true), Some(2)));
    assert_eq!(config.stop_signal.as_deref(), Some("SIGINT"));
    assert_eq!(web.labels["who"], "me");
    assert_eq!(web.labels["orch.project"], engine.id(), "nobody else's mark");
}

#[test]
fn a_health_check_is_what_others_wait_for() {
    let Some(engine) = Engine::shared() else { return };
    let check = "health_cmd='[ -e /tmp/well ] && { [ -e /tmp/passed ] || touch /tmp/passed; } || { touch /tmp/well; false; }', health_interval='200ms', \
                 health_timeout='30s', health_start_period='20s', health_retries=9";
    let list = "health_cmd=['true'], health_interval='200ms', resource_deps=['web']";
    let none = "no_healthcheck=True, resource_deps=['list']";
    let text = format!("{}{}{}", sleeping("web", check), sleeping("list", list), sleeping("none", none));
    let sandbox = engine.sandbox(&text);
    ci(&engine, &sandbox).expect_code(0);
    let [web, list, none] = ["web", "list", "none"].map(|name| engine.container(name).unwrap());
    assert_eq!([&*web.health, &*list.health, &*none.health], ["healthy", "healthy", ""]);
    let said = config(&web).healthcheck.clone().unwrap();
    assert_eq!(said.test.unwrap()[0], "CMD-SHELL");
    let millis = [said.interval, said.timeout, said.start_period].map(|nanos| nanos.unwrap() / 1_000_000);
    assert_eq!((millis, said.retries), ([200, 30_000, 20_000], Some(9)));
    assert_eq!(config(&list).healthcheck.clone().unwrap().test.unwrap(), ["CMD", "true"]);
    let passed = sh(&engine, &web, "stat -c %y /tmp/passed").replacen(' ', "T", 1);
    assert!(passed < list.started_at, "{list} did not wait for {web}: {passed}");
    assert!(list.started_at < none.started_at);
}
