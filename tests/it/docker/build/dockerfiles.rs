//! What a Dockerfile and its parameters say is what the image holds.

use super::{Engine, Workshop, ignoring};
use orch::model::{Build, Built, ImageKey};
use std::{fs, os::unix::fs::PermissionsExt as _};

/// Both builders, as the variable has them by which docker's users choose.
const BUILDERS: [&str; 2] = ["1", "0"];

#[test]
fn files_are_as_docker_makes_them() {
    let Some(engine) = Engine::shared() else { return };
    for builder in BUILDERS {
        let mut shop = Workshop::with_builder(&engine, builder);
        shop.write("sub/tool", "#!");
        fs::set_permissions(shop.path("sub/tool"), fs::Permissions::from_mode(0o4750)).unwrap();
        fs::create_dir_all(shop.path("empty")).unwrap();
        fs::set_permissions(shop.path("empty"), fs::Permissions::from_mode(0o1700)).unwrap();
        fs::hard_link(shop.write("a", "same"), shop.path("sub/twin")).unwrap();
        std::os::unix::fs::symlink("../a", shop.path("sub/link")).unwrap();
        std::os::unix::fs::symlink("nowhere", shop.path("dangling")).unwrap();
        nix::unistd::mkfifo(&shop.path("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(shop.path("socket")).unwrap();
        shop.write(&format!("{}file", "long/".repeat(40)), "deep");
        let recipe = shop.docker_build("FROM BASE\nCOPY . /src");
        let built = shop.built(recipe);
        let expected = [
            "drwxr-xr-x 0 0 .",
            "-rw-r--r-- 0 0 ./Dockerfile",
            "-rw-r--r-- 0 0 ./a",
            "lrwxrwxrwx 0 0 ./dangling -> nowhere",
            "drwx-----T 0 0 ./empty",
            "drwxr-xr-x 0 0 ./long",
            "drwxr-xr-x 0 0 ./sub",
            "lrwxrwxrwx 0 0 ./sub/link -> ../a",
            // The classic builder drops the bit when it copies.
            if builder == "1" { "-rwsr-x--- 0 0 ./sub/tool" } else { "-rwxr-x--- 0 0 ./sub/tool" },
            "-rw-r--r-- 0 0 ./sub/twin",
        ];
        let mut files = shop.files(&built, "/src");
        // BuildKit's `COPY` leaves out fifos, whoever sends them.
        files.retain(|line| !line.contains("/long/") && !line.contains("fifo"));
        assert_eq!(files, expected, "builder {builder}");
        assert_eq!(shop.shell(&built, "cd /src; cat sub/twin $(find long -name file)"), "samedeep");
    }
}

#[test]
fn what_is_left_out_is_orch_s_to_say() {
    let Some(engine) = Engine::shared() else { return };
    for builder in BUILDERS {
        let mut shop = Workshop::with_builder(&engine, builder);
        for path in ["a/keep.go", "a/out.log", "a/b/in.log", "node_modules/x", ".git/HEAD", "Dockerfile~", "top"] {
            shop.write(path, "");
        }
        // What of it holds is in the order's rules already: here nothing.
        shop.write(".dockerignore", "top\na\n");
        let mut recipe = shop.docker_build("FROM BASE\nCOPY . /src");
        recipe.ignore = vec![
            ignoring(&recipe.context, &["**/*.log", "!a/b/*.log", "node_modules"]),
            ignoring(&recipe.context, &["Dockerfile"]),
        ];
        let built = shop.built(recipe.clone());
        let expected = [".", "./.dockerignore", "./a", "./a/b", "./a/b/in.log", "./a/keep.go", "./top"];
        assert_eq!(names(&shop.files(&built, "/src")), expected, "builder {builder}");
        recipe.ignore = vec![ignoring(&recipe.context, &["**", "!a/b", "!top"])];
        let built = shop.built(recipe);
        assert_eq!(
            names(&shop.files(&built, "/src")),
            [".", "./a", "./a/b", "./a/b/in.log", "./top"],
            "builder {builder}"
        );
    }
}

fn names(files: &[String]) -> Vec<&str> {
    files.iter().filter_map(|line| line.split(' ').nth(3)).collect()
}

#[test]
fn copies_find_their_way_through_links() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    shop.write("real/deep/file", "f");
    shop.write("real/deep/other", "o");
    shop.write("unused/file", "u");
    std::os::unix::fs::symlink("real", shop.path("one")).unwrap();
    std::os::unix::fs::symlink("/one/deep", shop.path("two")).unwrap();
    std::os::unix::fs::symlink("circle", shop.path("circle")).unwrap();
    std::os::unix::fs::symlink("real/deep/file", shop.path("x.txt")).unwrap();
    shop.write("y.txt", "y");
    let recipe = shop.docker_build("FROM BASE\nCOPY two/file /a\nCOPY *.txt /b/\nCOPY two/./../two/oth?r /c");
    let built = shop.built(recipe);
    assert_eq!(shop.shell(&built, "cat /a /b/x.txt /b/y.txt /c"), "ffyo");
    assert!(!shop.said().contains("11 entries"), "only what is copied is listed: {}", shop.said());
}

#[test]
fn only_what_changed_is_sent() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    (0..20).for_each(|number| drop(shop.write(&format!("src/{number}"), "content")));
    shop.write("other", "x");
    let recipe = shop.docker_build("FROM BASE\nCOPY src /src");
    let first = shop.built(recipe.clone());
    assert!(shop.said().contains("context: 20 of 21 entries sent (140 B)"), "{}", shop.said());
    shop.write("other", "y");
    let again = shop.built(recipe.clone());
    assert!(shop.said().contains("context: 0 of 21 entries sent (0 B)"), "{}", shop.said());
    assert_eq!(again, first, "the same content is the same image");
    assert!(shop.said().contains("[2/2] COPY src /src (cached)"), "{}", shop.said());
    shop.write("src/7", "contents");
    fs::remove_file(shop.path("src/8")).unwrap();
    fs::rename(shop.path("src/9"), shop.path("src/renamed")).unwrap();
    let changed = shop.built(recipe);
    assert!(shop.said().contains("context: 2 of 20 entries sent (15 B)"), "{}", shop.said());
    assert_ne!(changed, first);
    assert_eq!(shop.shell(&changed, "cd /src; cat 7 renamed; ls | wc -l"), "contentscontent19\n");
}

#[test]
fn a_dockerfile_may_lie_anywhere() {
    let Some(engine) = Engine::shared() else { return };
    for builder in BUILDERS {
        let mut shop = Workshop::with_builder(&engine, builder);
        shop.write("a", "1");
        let base = Engine::base();
        let text = format!("FROM {base}\nCOPY . /src\n");
        let outside = shop.write("../elsewhere/Special.dockerfile", &text);
        for path in [None, Some(outside.as_path())] {
            let built = shop.built(super::docker_build(&shop.path(""), &text, path));
            assert_eq!(names(&shop.files(&built, "/src")), [".", "./a"], "builder {builder}, {path:?}");
        }
        shop.write("b/Dockerfile", "FROM not/this:text");
        let inside = shop.path("b/Dockerfile");
        let built = shop.built(super::docker_build(&shop.path(""), &text, Some(&inside)));
        assert_eq!(names(&shop.files(&built, "/src")), [".", "./a", "./b", "./b/Dockerfile"], "builder {builder}");
    }
}

#[test]
fn parameters_reach_the_build() {
    let Some(engine) = Engine::shared() else { return };
    for builder in BUILDERS {
        let mut shop = Workshop::with_builder(&engine, builder);
        shop.environment.insert("FROM_ENV".to_owned(), Some("taken".to_owned()));
        let mut recipe = shop.docker_build(
            "ARG TAG\nFROM $TAG AS first\nARG FROM_ENV=no\nARG UNSET=default\nARG GIVEN\n\
             RUN echo \"$FROM_ENV $UNSET $GIVEN\" >/args && cat /etc/hosts >/hosts; ls /sys/class/net >/net\nFROM BASE\nRUN false",
        );
        recipe.target = "first".to_owned();
        recipe.network = "none".to_owned();
        recipe.extra_hosts = vec!["friend:10.1.2.3".to_owned()];
        recipe.extra_tags = vec![engine.name("extra"), format!("{}:v2", engine.name("extra"))];
        recipe.build_args =
            [("TAG", Some(Engine::base())), ("FROM_ENV", None), ("UNSET", None), ("GIVEN", Some("a b&=\"".to_owned()))]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
        let built = shop.built(recipe);
        assert_eq!(shop.shell(&built, "cat /args /net"), "taken default a b&=\"\nlo\n", "builder {builder}");
        assert!(shop.shell(&built, "cat /hosts").contains("10.1.2.3\tfriend"), "builder {builder}");
        for name in [format!("{}:latest", engine.name("extra")), format!("{}:v2", engine.name("extra"))] {
            let extra = Built { reference: name, ..built.clone() };
            assert_eq!(shop.shell(&extra, "cat /args"), "taken default a b&=\"\n");
        }
    }
}

#[test]
fn an_image_is_called_by_its_id() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    let recipe = shop.docker_build("FROM BASE\nENV A=1");
    let built = shop.built(recipe);
    let id = built.id.clone().unwrap();
    let digits = id.0.strip_prefix("sha256:").unwrap();
    assert_eq!(built.reference, format!("{}:orch-{}", engine.name("app"), &digits[..16]));
    let image = super::block_on(engine.docker().inspect_image(&built.reference)).unwrap();
    assert_eq!(image.id.as_deref(), Some(&*id.0));
}

#[test]
fn images_of_the_session_take_the_place_of_their_names() {
    let Some(engine) = Engine::shared() else { return };
    for builder in BUILDERS {
        let mut shop = Workshop::with_builder(&engine, builder);
        let recipe = shop.docker_build("FROM BASE\nRUN echo mine >/file");
        let base = shop.built(recipe);
        let name = engine.name("base");
        let recipe = shop.docker_build(&format!(
            "ARG B={name}\nFROM ${{B}}:dev AS x\nFROM BASE\nCOPY --from={name} /file /\nCOPY --from=x /file /2"
        ));
        let mut order = shop.order(Build::Docker(Box::new(recipe)));
        order.bases.insert(ImageKey(name.as_str().into()), base);
        let built = shop.run(&order).unwrap();
        assert_eq!(shop.shell(&built, "cat /file /2"), "mine\nmine\n", "builder {builder}: {}", shop.said());
    }
}

#[test]
fn steps_are_shown_as_they_happen() {
    let Some(engine) = Engine::shared() else { return };
    for builder in BUILDERS {
        let mut shop = Workshop::with_builder(&engine, builder);
        let recipe =
            shop.docker_build("FROM BASE\nENV M=ID\nRUN echo one; printf '10%%\\r20%%\\r\\nlast'\nCMD [\"x\"]");
        shop.built(recipe.clone());
        let said = shop.said();
        let step = if builder == "1" { "2/2" } else { "3/4" };
        for line in [format!("[{step}] RUN echo one;"), format!("[{step}] one\n"), format!("[{step}] last\n")] {
            assert!(said.contains(&line), "builder {builder}, {line}: {said}");
        }
        shop.built(recipe);
        let cached = shop.said();
        assert!(
            cached.contains(&format!("[{step}] RUN echo one; printf '10%%\\r20%%\\r\\nlast' (cached)\n")),
            "builder {builder}: {cached}"
        );
    }
}
