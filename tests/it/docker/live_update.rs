//! Live update in containers of the real engine: what arrives, what goes, what runs, and what is said when it cannot.

use super::{Container, Engine, block_on};
use bollard::{
    models::{ContainerConfig, ContainerCreateBody, HostConfig},
    query_parameters::{CommitContainerOptionsBuilder, CreateContainerOptionsBuilder},
};
use orch::{
    engine::{RunEnd, UpdateOrder},
    host::docker::{
        Docker, Surroundings,
        live_update::{Owners, Update},
    },
    logs::{Limits, LogName, LogStore},
    model::{ContainerId, Exit, FilePath, ResourceName, RunId, RunStep},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// A folder of this machine and a container to bring it into.
struct World {
    engine: Engine,
    docker: Docker,
    dir: tempfile::TempDir,
    logs: LogStore,
    owners: Owners,
}

impl World {
    fn new() -> Option<Self> {
        let engine = Engine::shared()?;
        let host = Some(engine.address().to_owned());
        let docker = Docker::new(Surroundings { host, ..Surroundings::default() });
        let dir = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&dir.path().join(".logs"), Limits::default()).unwrap();
        Some(Self { engine, docker, dir, logs, owners: Owners::default() })
    }

    /// A container that waits, made as `change` says.
    fn container(&self, name: &str, change: impl FnOnce(&mut ContainerCreateBody)) -> Container {
        let mut body = ContainerCreateBody {
            image: Some(Engine::base()),
            cmd: Some(["sleep", "1000"].map(str::to_owned).to_vec()),
            ..Default::default()
        };
        change(&mut body);
        let name = self.engine.name(name);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        block_on(async {
            let made = self.engine.docker().create_container(Some(options), body).await.unwrap();
            self.engine.docker().start_container(&made.id, None).await.unwrap();
        });
        self.engine.container(&name).unwrap()
    }

    fn write(&self, path: &str, text: &str) -> FilePath {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        FilePath::new(path)
    }

    fn copy(&self, path: &str, remote: &str) -> (FilePath, String) {
        (FilePath::new(self.dir.path().join(path)), remote.to_owned())
    }

    fn perform(&self, containers: &[&Container], change: impl FnOnce(&mut UpdateOrder)) -> Exit {
        self.perform_to_its_end(containers, change).exit
    }

    fn perform_to_its_end(&self, containers: &[&Container], change: impl FnOnce(&mut UpdateOrder)) -> RunEnd {
        let mut order = UpdateOrder {
            containers: containers.iter().map(|container| ContainerId(container.id.as_str().into())).collect(),
            copies: Vec::new(),
            removals: Vec::new(),
            folders: Vec::new(),
            runs: Vec::new(),
            restart: false,
        };
        change(&mut order);
        let resource = ResourceName::parse("api").unwrap();
        let order = Arc::new(order);
        let update = Update { run: RunId(1), resource: &resource, order: &order, grace: Duration::from_secs(2) };
        block_on(async { update.perform(self.docker.connection().await.unwrap(), &self.logs, &self.owners).await })
    }

    fn log(&self) -> String {
        let log = LogName::Resource(ResourceName::parse("api").unwrap());
        let attempt = orch::model::Attempt::Run(RunId(1));
        let lines = self.logs.reader().last_of(&log, attempt, 100);
        lines.iter().map(|line| String::from_utf8_lossy(line.visible()).into_owned() + "\n").collect()
    }

    fn sh(&self, container: &Container, script: &str) -> String {
        let (code, said) = self.engine.exec(container, &["sh", "-c", script]);
        assert_eq!(code, 0, "{script}: {said}");
        said
    }
}

fn run(argv: &[&str]) -> RunStep {
    RunStep {
        argv: argv.iter().map(ToString::to_string).collect(),
        triggers: Vec::new(),
        echo_off: false,
        user: None,
        dir: None,
        env: Vec::new(),
    }
}

fn failure(exit: Exit) -> String {
    match exit {
        Exit::NotStarted(failure) => failure.message,
        other => panic!("{other:?} is no failure"),
    }
}

#[test]
fn files_arrive_as_they_are_in_folders_that_are_made() {
    let Some(world) = World::new() else { return };
    let container = world.container("api", |_| {});
    world.sh(&container, "mkdir -m 1777 /app; chown 7:8 /app");
    fs::set_permissions(world.write("run.sh", "#!/bin/sh"), fs::Permissions::from_mode(0o750)).unwrap();
    let old = fs::File::options().append(true).open(world.write("old.txt", "old")).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    old.set_modified(time).unwrap();
    symlink("../run.sh", world.dir.path().join("link")).unwrap();
    let long = format!("{}/ünï.txt", ["long"; 60].join("/"));
    world.write("long", "long");
    let big = "0123456789abcdef".repeat(200_000);
    world.write("big", &big);
    let exit = world.perform(&[&container], |order| {
        order.copies = vec![
            world.copy("run.sh", "/app/bin/run.sh"),
            world.copy("old.txt", "/app/old.txt"),
            world.copy("link", "/app/bin/sub/link"),
            world.copy("long", &format!("/app/{long}")),
            world.copy("big", "/app//x/../big"),
        ];
    });
    assert_eq!(exit, Exit::Code(0));
    let listed = world.sh(&container, "cd /app; stat -c '%n %a %u:%g' . bin bin/run.sh old.txt; readlink bin/sub/link");
    assert_eq!(listed, ". 1777 7:8\nbin 755 0:0\nbin/run.sh 750 0:0\nold.txt 644 0:0\n../run.sh\n");
    assert_eq!(world.sh(&container, "stat -c %y /app/old.txt"), "2023-11-14 22:13:20.123456789 +0000\n");
    assert_eq!(world.engine.file_in(&container, &format!("/app/{long}")).as_deref(), Some("long"));
    assert_eq!(world.engine.file_in(&container, "/app/big"), Some(big));
    assert_eq!(world.log(), "", "what went well is the engine's to say");
}

#[test]
fn what_is_copied_belongs_to_the_user_of_the_container() {
    let Some(world) = World::new() else { return };
    world.write("secret", "s");
    fs::set_permissions(world.dir.path().join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    for (number, (user, expected)) in
        [("1000", "1000:0"), ("1000:50", "1000:50"), ("app", "1234:77"), ("app:ops", "1234:99")].into_iter().enumerate()
    {
        let container = world.container(&format!("c{number}"), |body| {
            body.cmd = Some(["sh", "-c", "exec sleep 1000"].map(str::to_owned).to_vec());
        });
        world.sh(
            &container,
            "mkdir -p /etc /app; echo app:x:1234:77::/:/bin/sh >/etc/passwd; echo ops:x:99: >/etc/group",
        );
        let image = world.engine.name(&format!("user{number}"));
        let options = CommitContainerOptionsBuilder::default().container(&container.id).repo(&image).build();
        block_on(world.engine.docker().commit_container(options, ContainerConfig::default())).unwrap();
        let container = world.container(&format!("u{number}"), |body| {
            body.image = Some(image);
            body.user = Some(user.to_owned());
        });
        let exit = world.perform(&[&container], |order| {
            order.copies = vec![world.copy("secret", "/app/new/deep/secret"), world.copy("secret", "/app/secret")];
            order.runs =
                vec![run(&["sh", "-c", "cat /app/new/deep/secret; echo more >>/app/secret; touch /app/new/x"])];
        });
        assert_eq!(exit, Exit::Code(0), "{user}: {}", world.log());
        let owners = world.sh(&container, "stat -c '%u:%g' /app /app/new /app/new/deep /app/new/deep/secret | uniq");
        assert_eq!(owners, format!("0:0\n{expected}\n"), "{user}: what is new is the user's, what was there stays");
    }
}

#[test]
fn what_is_gone_here_goes_there() {
    let Some(world) = World::new() else { return };
    let container = world.container("api", |_| {});
    let made = "mkdir -p /app/tree/deep /app/in-use && cd /app && touch a b ./-x 'c d' tree/deep/f stays was-file turned in-use/f";
    world.sh(&container, made);
    world.write("was-file/now-below", "below");
    fs::create_dir(world.dir.path().join("turned")).unwrap();
    fs::create_dir(world.dir.path().join("in-use")).unwrap();
    let exit = world.perform(&[&container], |order| {
        order.removals = ["/app/b", "/app/-x", "/app/tree", "/app/none", "/app/stays/below/none", "/app/was-file"]
            .map(str::to_owned)
            .to_vec();
        order.copies = vec![
            world.copy("vanished", "/app/a"),
            world.copy("run/vanished", "/app/c d"),
            world.copy("was-file/now-below", "/app/was-file/now-below"),
            world.copy("turned", "/app/turned"),
            world.copy("in-use", "/app/in-use"),
        ];
    });
    assert_eq!(exit, Exit::Code(0), "{}", world.log());
    assert_eq!(world.sh(&container, "cd /app; find . -type f | sort"), "./in-use/f\n./stays\n./was-file/now-below\n");
}

#[test]
fn folders_that_are_gone_here_go_there_with_all_that_is_in_them() {
    let Some(world) = World::new() else { return };
    let container = world.container("api", |_| {});
    world.sh(
        &container,
        "mkdir -p /app/gone/deep /app/here /app/file/x && cd /app && touch gone/made gone/deep/f here/f file/x/f",
    );
    fs::create_dir(world.dir.path().join("here")).unwrap();
    world.write("file", "a file now");
    let exit = world.perform(&[&container], |order| {
        order.removals = ["/app/gone/deep/f", "/app/here/f", "/app/file/x/f"].map(str::to_owned).to_vec();
        let folders = ["gone/deep", "gone", "here", "file/x", "file", "never"];
        order.folders = folders.map(|folder| world.copy(folder, &format!("/app/{folder}"))).to_vec();
        order.copies = vec![world.copy("file", "/app/file")];
    });
    assert_eq!(exit, Exit::Code(0), "{}", world.log());
    assert_eq!(world.sh(&container, "cd /app; find . | sort; cat file"), ".\n./file\n./here\na file now");
}

#[test]
fn without_rm_only_what_is_there_cannot_be_removed() {
    let Some(world) = World::new() else { return };
    let container = world.container("api", |_| {});
    world.write("new", "new");
    world.sh(&container, "mkdir /app; touch /app/old; rm /bin/rm");
    let update = |removed: &str| {
        world.perform(&[&container], |order| {
            order.removals = vec![removed.to_owned()];
            order.copies = vec![world.copy("new", "/app/new"), world.copy("vanished", "/app/other")];
        })
    };
    assert_eq!(update("/app/none"), Exit::Code(0));
    let name = &container.name;
    assert_eq!(
        failure(update("/app/old")),
        format!("files cannot be removed in the container `{name}`, which has no `rm`")
    );
}

#[test]
fn an_image_without_any_program_is_enough() {
    let Some(world) = World::new() else { return };
    let container = world.container("api", |_| {});
    world.sh(&container, "mkdir /app; cp /bin/busybox /app/sleep");
    // All that is left is what runs.
    world.sh(&container, "/bin/busybox rm -r /bin");
    world.write("file", "new");
    let exit = world.perform(&[&container], |order| order.copies = vec![world.copy("file", "/app/deep/file")]);
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(world.engine.file_in(&container, "/app/deep/file").as_deref(), Some("new"));
}

#[test]
fn commands_run_in_their_order_in_all_containers() {
    let Some(world) = World::new() else { return };
    let containers = [world.container("a", |_| {}), world.container("b", |_| {}), world.container("c", |_| {})];
    let all: Vec<&Container> = containers.iter().collect();
    world.write("file", "content");
    let before: Vec<_> = containers.iter().map(Container::identity).collect();
    let exit = world.perform(&all, |order| {
        order.copies = vec![world.copy("file", "/srv/file")];
        order.runs = vec![
            run(&["sh", "-c", "cat /srv/file >/srv/log; echo copied"]),
            RunStep {
                user: Some("1000:1000".into()),
                dir: Some("/srv".into()),
                env: vec!["WORD=two words".into()],
                echo_off: true,
                ..run(&["sh", "-c", "echo \"$(pwd) $(id -u) $WORD\" >&2"])
            },
            run(&["tee", "-a", "/srv/log", "with space"]),
        ];
        order.restart = true;
    });
    assert_eq!(exit, Exit::Code(0), "{}", world.log());
    let log = world.log();
    let count = |line: &str| log.lines().filter(|found| *found == line).count();
    assert_eq!(count("runs `cat /srv/file >/srv/log; echo copied`"), 1);
    assert_eq!(count("runs `tee -a /srv/log 'with space'`"), 1);
    assert_eq!((count("copied"), count("/srv 1000 two words")), (3, 3), "{log}");
    assert!(!log.contains("$WORD"), "a command that is not to be shown is not: {log}");
    for (container, before) in containers.iter().zip(before) {
        assert_eq!(world.sh(container, "cat /srv/log"), "content");
        let now = world.engine.container(&container.name).unwrap();
        assert_eq!(now.id, before.0, "the same container");
        assert!(now.is_running() && now.started_at != before.1, "started again");
    }
}

#[test]
fn a_command_that_fails_in_all_containers_ends_the_update_with_its_code() {
    let Some(world) = World::new() else { return };
    let (a, b) = (world.container("a", |_| {}), world.container("b", |_| {}));
    let end = world.perform_to_its_end(&[&a, &b], |order| {
        let runs: [&[&str]; 3] = [&["true"], &["sh", "-c", "echo broken; exit 7"], &["touch", "/srv/after"]];
        order.runs = runs.map(run).to_vec();
        order.restart = true;
    });
    assert_eq!((end.exit, end.failed_command.as_deref()), (Exit::Code(7), Some("echo broken; exit 7")));
    assert_eq!(world.log().matches("broken\n").count(), 2);
    for container in [&a, &b] {
        assert_eq!(world.engine.file_in(container, "/srv/after"), None, "nothing runs after it");
        assert_eq!(world.engine.container(&container.name).unwrap().identity(), container.identity());
    }
    let missing = world.perform(&[&a, &b], |order| order.runs = vec![run(&["no-such-program"])]);
    assert!(matches!(missing, Exit::Code(126 | 127)), "{missing:?}");
    assert!(world.log().contains("no-such-program"), "{}", world.log());
}

#[test]
fn containers_that_are_no_longer_alike_are_a_failure() {
    let Some(world) = World::new() else { return };
    let (a, b) = (world.container("a", |_| {}), world.container("b", |_| {}));
    world.sh(&b, "touch /srv/odd");
    let exit = world.perform(&[&a, &b], |order| order.runs = vec![run(&["sh", "-c", "test ! -e /srv/odd || exit 3"])]);
    let (name_a, name_b) = (&a.name, &b.name);
    let expected = format!(
        "`test ! -e /srv/odd || exit 3` ended with 0 in the container `{name_a}` and with 3 in the container `{name_b}`"
    );
    assert_eq!(failure(exit), expected);
}

#[test]
fn what_cannot_be_copied_is_said() {
    let Some(world) = World::new() else { return };
    world.write("file", "new");
    let copy = |container: &Container, to: &str| {
        world.perform(&[container], |order| order.copies = vec![world.copy("file", to)])
    };
    let in_memory = HostConfig { tmpfs: Some([("/mem".to_owned(), String::new())].into()), ..HostConfig::default() };
    let tmpfs = world.container("tmpfs", |body| body.host_config = Some(in_memory));
    assert!(failure(copy(&tmpfs, "/mem/file")).contains("is in a tmpfs"));
    assert_eq!(copy(&tmpfs, "/memo/file"), Exit::Code(0));

    let volume = world.engine.name("volume");
    let host = HostConfig {
        readonly_rootfs: Some(true),
        binds: Some(vec![format!("{volume}:/data")]),
        ..HostConfig::default()
    };
    let read_only = world.container("read-only", |body| body.host_config = Some(host));
    assert!(failure(copy(&read_only, "/srv/file")).ends_with("is read-only"));
    assert_eq!(copy(&read_only, "/data/deep/file"), Exit::Code(0));
    assert_eq!(world.engine.exec(&read_only, &["cat", "/data/deep/file"]), (0, "new".to_owned()));

    let ended = world.container("ended", |_| {});
    world.engine.kill(&ended);
    assert!(failure(copy(&ended, "/srv/file")).ends_with("does not run, so it cannot be changed"));
    world.engine.remove(&ended);
    assert!(failure(copy(&ended, "/srv/file")).contains("No such container"));
}

#[test]
fn a_file_that_cannot_be_read_changes_nothing_behind_it() {
    let Some(world) = World::new() else { return };
    let container = world.container("api", |_| {});
    world.write("first", "first");
    // Root may read everything, but not what is no file any more when it is opened.
    let odd = Path::new("/proc/self/mem").to_owned();
    let exit = world.perform(&[&container], |order| {
        order.copies = vec![world.copy("first", "/srv/first"), (FilePath::new(odd), "/srv/odd".to_owned())];
    });
    assert!(failure(exit).starts_with("`/proc/self/mem` cannot be read: "));
}

#[test]
fn a_large_batch_is_streamed_to_containers_of_any_speed() {
    let Some(world) = World::new() else { return };
    let (a, b) = (world.container("a", |_| {}), world.container("b", |_| {}));
    let copies: Vec<_> = (0..2000)
        .map(|number| {
            let path = format!("tree/{}/{number}", number % 50);
            world.write(&path, &"x".repeat(number * 10));
            world.copy(&path, &format!("/srv/{path}"))
        })
        .collect();
    let exit = world.perform(&[&a, &b], |order| {
        order.copies = copies;
        order.removals = (0..2000).map(|number| format!("/srv/gone/{number}")).collect();
    });
    assert_eq!(exit, Exit::Code(0));
    for container in [&a, &b] {
        let counted = world.sh(container, "find /srv/tree -type f | wc -l; cat $(find /srv/tree -type f) | wc -c");
        assert_eq!(counted, format!("2000\n{}\n", (0..2000).map(|number| number * 10).sum::<usize>()));
    }
}
