//! Builds that fail say why, and where.

use super::{Engine, Workshop};
use orch::host::docker::build::BuildFailure;

/// The message of a failure that is the Dockerfile's fault.
#[track_caller]
fn blames_recipe(failure: &BuildFailure) -> &str {
    match failure {
        BuildFailure::Recipe(failure) => &failure.message,
        other => panic!("{other:?} is not blamed on the Dockerfile"),
    }
}

#[test]
fn a_command_that_fails_is_named_with_its_line_and_last_words() {
    let Some(engine) = Engine::shared() else { return };
    for builder in ["1", "0"] {
        let mut shop = Workshop::with_builder(&engine, builder);
        let recipe = shop.docker_build("# first\nFROM BASE\nLABEL M=ID\nRUN echo 'it is broken' >&2 \\\n  && sleep 0.2 && echo after \\\n  && exit 3\nRUN true");
        let failure = shop.fails(recipe);
        let said = shop.said();
        let message = blames_recipe(&failure);
        assert!(
            message.starts_with("app/Dockerfile:4: `RUN echo 'it is broken' >&2 && sleep 0.2 && echo after && exit 3`"),
            "{message}"
        );
        assert!(
            message.ends_with("ended with exit code 3; it wrote last: it is broken"),
            "builder {builder}: {message}"
        );
        assert!(said.ends_with("app/Dockerfile:4:\n     3 │ LABEL M=MARK\n>    4 │ RUN echo 'it is broken' >&2 \\\n     5 │   && sleep 0.2 && echo after \\\n".replace("MARK", engine.id()).as_str()), "{said}");
    }
}

#[test]
fn a_dockerfile_that_cannot_be_read_is_named_with_its_line() {
    let Some(engine) = Engine::shared() else { return };
    for builder in ["1", "0"] {
        let mut shop = Workshop::with_builder(&engine, builder);
        for (text, place, what) in [
            ("FROM BASE\n\nRUM make\n", ":3: ", "unknown instruction: RUM"),
            ("FROM BASE\nCOPY a\n", ":2: ", "COPY requires at least two arguments"),
            ("FROM BASE\nENV A\n", ":2: ", "ENV must have two arguments"),
            ("FROM\n", ":1: ", "FROM requires either one or three arguments"),
            ("# x\nRUN true\n", ":2: ", "the first instruction must be `FROM`"),
        ] {
            let recipe = shop.docker_build(text);
            let failure = shop.fails(recipe);
            let message = blames_recipe(&failure);
            assert!(
                message.starts_with(&format!("app/Dockerfile{place}")) && message.contains(what),
                "builder {builder}: {message}"
            );
            assert!(shop.said().contains("> "), "{}", shop.said());
        }
        let recipe = super::docker_build(&shop.path(""), "FROM scratch\nRUM x", None);
        let failure = shop.fails(recipe);
        let message = format!("line 2 of the Dockerfile of `{}`: ", engine.name("app"));
        assert!(blames_recipe(&failure).starts_with(&message), "{failure:?}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let Some(engine) = Engine::shared() else { return };
    for builder in ["1", "0"] {
        let mut shop = Workshop::with_builder(&engine, builder);
        let recipe = shop.docker_build("FROM BASE\nCOPY missing.txt /\n");
        let failure = shop.fails(recipe);
        let message = blames_recipe(&failure);
        assert!(
            message.starts_with("app/Dockerfile:2: `COPY missing.txt /`: ")
                && message.contains("there is no `missing.txt` in the build context"),
            "builder {builder}: {message}"
        );
        assert!(failure.failure().help.as_ref().unwrap().contains(".dockerignore"), "{failure:?}");
        let mut recipe = shop.docker_build("FROM BASE AS one\n");
        recipe.target = "two".to_owned();
        let failure = shop.fails(recipe);
        assert!(blames_recipe(&failure).contains("two"), "builder {builder}: {failure:?}");
    }
}

#[test]
fn what_cannot_be_built_at_all_is_said_before_anything_is_sent() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    let mut recipe = shop.docker_build("FROM BASE");
    recipe.context = recipe.context.join("missing");
    let failure = shop.fails(recipe);
    assert!(blames_recipe(&failure).contains("/app/missing` does not exist"), "{failure:?}");
    let mut recipe = shop.docker_build("FROM BASE");
    recipe.context = recipe.context.join("Dockerfile");
    let failure = shop.fails(recipe);
    assert!(blames_recipe(&failure).contains("is no folder"), "{failure:?}");
    let recipe = shop.docker_build("# nothing\n");
    let failure = shop.fails(recipe);
    assert_eq!(blames_recipe(&failure), "app/Dockerfile holds no instruction");
    assert!(shop.said().is_empty(), "{}", shop.said());
}

#[test]
fn an_image_that_cannot_be_had_is_not_the_dockerfile_s_fault() {
    let Some(engine) = Engine::shared() else { return };
    for builder in ["1", "0"] {
        let mut shop = Workshop::with_builder(&engine, builder);
        // Nobody listens on that port.
        let recipe = shop.docker_build("ARG NAME=x\nFROM BASE\nFROM 127.0.0.1:1/$NAME\n");
        let failure = shop.fails(recipe);
        let BuildFailure::Engine(failure) = failure else { panic!("builder {builder}: {failure:?}") };
        assert!(
            failure.message.starts_with("app/Dockerfile:3: the image `127.0.0.1:1/x` cannot be had: "),
            "{failure:?}"
        );
        assert!(failure.help.is_some());
    }
}
