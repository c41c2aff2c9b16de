//! What a build may ask for beside files: secrets, and the user's ssh agent.

use super::{Engine, Workshop};
use crate::docker::until;
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

#[test]
fn secrets_reach_the_step_and_nothing_else() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    shop.write("../secret.txt", "s3cret-file");
    shop.environment.insert("TOKEN".to_owned(), Some("s3cret-env".to_owned()));
    let mut recipe = shop.docker_build(
        "FROM BASE\nENV MARK=ID\nRUN --mount=type=secret,id=a --mount=type=secret,id=b \
         cut -c 3- /run/secrets/a /run/secrets/b\n\
         RUN ls /run/secrets >/left 2>&1 || true",
    );
    recipe.secrets = vec!["id=a,src=secret.txt".to_owned(), "id=b,env=TOKEN".to_owned()];
    let built = shop.built(recipe.clone());
    assert!(
        shop.said().contains("] cret-file\n")
            && shop.said().contains("] cret-env\n")
            && !shop.said().contains("s3cret"),
        "{}",
        shop.said()
    );
    assert_eq!(shop.shell(&built, "cat /left | grep -v 'No such file'; grep -r s3cret /run /etc /left"), "");
    recipe.secrets = vec!["id=a,src=missing".to_owned()];
    let failure = shop.fails(recipe.clone());
    assert!(failure.failure().message.starts_with("the secret `a` cannot be read from"), "{failure:?}");
    recipe.secrets.clear();
    recipe.dockerfile = recipe.dockerfile.replace("id=a ", "id=c,required ");
    let failure = shop.fails(recipe);
    assert!(
        failure.failure().message.contains("Dockerfile:3") && failure.failure().message.contains("secret c"),
        "{failure:?}"
    );
}

/// An agent of the test's own.
struct Agent(Child);

impl Agent {
    fn start(socket: &Path) -> Self {
        let mut command = Command::new("ssh-agent");
        let agent = Self(command.args(["-D", "-a"]).arg(socket).stdout(Stdio::null()).spawn().unwrap());
        until("the agent's socket", String::new, || socket.exists().then_some(()));
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A program of this machine with all that it needs, put where an image can copy it from.
fn take_along(program: &str, to: &Path) {
    let libraries = Command::new("ldd").arg(program).output().unwrap();
    let libraries = String::from_utf8(libraries.stdout).unwrap();
    let paths = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    for path in paths.chain([program]) {
        let target = to.join(path.trim_start_matches('/'));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    }
}

#[test]
fn the_ssh_agent_signs_and_does_nothing_else() {
    let Some(engine) = Engine::shared() else { return };
    if !Path::new("/usr/bin/ssh-add").exists() {
        return crate::docker::skip("no `ssh-add` here");
    }
    let mut shop = Workshop::new(&engine);
    for name in ["one", "two"] {
        let file = shop.path("..").join(name);
        let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", &format!("key {name}"), "-f"];
        assert!(Command::new("ssh-keygen").args(arguments).arg(&file).status().unwrap().success());
    }
    let socket = shop.path("../agent");
    let _agent = Agent::start(&socket);
    let add = |arguments: &[&str]| {
        let output = Command::new("ssh-add").args(arguments).env("SSH_AUTH_SOCK", &socket).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    add(&["-q", shop.path("../one").to_str().unwrap()]);
    take_along("/usr/bin/ssh-add", &shop.path("root"));
    shop.environment.insert("SSH_AUTH_SOCK".to_owned(), Some(socket.to_str().unwrap().to_owned()));
    // `ssh-add -T` has the agent sign something.
    shop.write("root/key.pub", &fs::read_to_string(shop.path("../one.pub")).unwrap());
    let mut recipe = shop.docker_build(
        "FROM BASE\nCOPY root /\nENV PATH=/bin:/usr/bin MARK=ID\nRUN --mount=type=ssh ssh-add -l && ssh-add -T /key.pub && ! ssh-add -D\nRUN --mount=type=ssh,id=own ssh-add -l",
    );
    recipe.ssh = vec!["default".to_owned(), "own=two".to_owned()];
    shop.built(recipe.clone());
    let said = shop.said();
    assert!(said.contains("[3/4] 256 ") && said.contains(" key one (ED25519)"), "{said}");
    assert!(said.contains("[4/4] 256 ") && said.contains(" key two (ED25519)"), "{said}");
    assert!(add(&["-l"]).contains("key one"), "the build may not remove keys");
    recipe.ssh = vec!["default=three".to_owned()];
    let failure = shop.fails(recipe.clone());
    assert!(failure.failure().message.starts_with("there is no ssh key at"), "{failure:?}");
    shop.environment.insert("SSH_AUTH_SOCK".to_owned(), None);
    recipe.ssh = vec!["default".to_owned()];
    let failure = shop.fails(recipe);
    assert!(failure.failure().message.contains("`SSH_AUTH_SOCK` is not set"), "{failure:?}");
}
