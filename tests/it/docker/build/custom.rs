//! Images that a command makes.

use super::{Engine, Workshop};
use orch::{
    host::docker::build::{BuildFailure, Log, build},
    model::{Build, Built, Command, CustomBuild, CustomOutput, FilePath, ImageKey},
};
use std::{collections::BTreeMap, fs};

fn custom(shop: &Workshop<'_>, script: &str, output: CustomOutput) -> CustomBuild {
    let script = script.replace("BASE", &Engine::base());
    let env = BTreeMap::from([("DOCKER_HOST".to_owned(), shop.engine.address().to_owned())]);
    CustomBuild {
        command: Command {
            argv: vec!["sh".to_owned(), "-c".to_owned(), script],
            dir: FilePath::new(shop.path("")),
            env,
        },
        deps: Vec::new(),
        ignore: Vec::new(),
        output,
        disable_push: false,
        image_deps: Vec::new(),
    }
}

fn run(shop: &mut Workshop<'_>, declared: CustomBuild) -> Result<Built, BuildFailure> {
    let order = shop.order(Build::Custom(Box::new(declared)));
    shop.run(&order)
}

fn id_of(shop: &Workshop<'_>, reference: &str) -> Option<String> {
    super::block_on(shop.engine.docker().inspect_image(reference)).ok()?.id
}

#[test]
fn an_image_of_a_command_gets_its_content_s_name() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    let declared =
        custom(&shop, "docker tag BASE $EXPECTED_REF; env | grep ^EXPECTED_ | sort", CustomOutput::Local { tag: None });
    let made = run(&mut shop, declared).unwrap();
    let id = id_of(&shop, &Engine::base()).unwrap();
    assert_eq!(made.id.as_ref().map(|id| id.0.to_string()), Some(id.clone()));
    assert_eq!(made.reference, format!("{}:orch-{}", engine.name("app"), &id[7..23]));
    assert_eq!(id_of(&shop, &made.reference), Some(id));
    let said = shop.said();
    let tag = said.lines().find_map(|line| line.strip_prefix("EXPECTED_TAG=")).unwrap().to_owned();
    assert!(tag.starts_with("orch-build-"), "{said}");
    let name = engine.name("app");
    assert!(
        said.contains(&format!("EXPECTED_REF={name}:{tag}\n"))
            && said.contains(&format!("EXPECTED_IMAGE=library/{name}\n")),
        "{said}"
    );
    assert_eq!(id_of(&shop, &format!("{name}:{tag}")), None, "the name that it had meanwhile is gone");
}

#[test]
fn a_command_is_told_of_registry_tag_and_images() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    let (name, script) =
        (engine.name("app"), "docker tag BASE $EXPECTED_REF; env | grep -E '^(EXPECTED|REGISTRY|TILT)' | sort");
    for (tag, expected) in [(None, "gcr.io/proj/own:orch-build-"), (Some("v1"), &*format!("{name}:v1\n"))] {
        let mut declared = custom(&shop, script, CustomOutput::Local { tag: tag.map(str::to_owned) });
        declared.image_deps = vec![ImageKey("dep".into())];
        let mut order = shop.order(Build::Custom(Box::new(declared)));
        std::sync::Arc::make_mut(&mut order.image).repository = "gcr.io/proj/own".to_owned();
        order.bases.insert(ImageKey("dep".into()), Built { id: None, reference: "dep:orch-1".to_owned() });
        let made = shop.run(&order).unwrap();
        let said = shop.said();
        let more =
            "EXPECTED_REGISTRY=gcr.io/proj\nREGISTRY_HOST=gcr.io/proj\nTILT_IMAGE_0=dep:orch-1\nTILT_IMAGE_MAP_0=dep\n";
        assert!(said.contains(&format!("EXPECTED_REF={expected}")), "{said}");
        assert!(more.lines().all(|line| said.contains(line)), "{said}");
        assert!(made.reference.starts_with("gcr.io/proj/own:orch-"), "{made:?}");
        assert_eq!(id_of(&shop, &format!("{name}:v1")).is_some(), tag.is_some(), "a tag that the user gave stays");
        let options = None::<bollard::query_parameters::RemoveImageOptions>;
        super::block_on(engine.docker().remove_image(&made.reference, options, None)).unwrap();
    }
}

#[test]
fn a_command_may_leave_its_image_elsewhere_or_say_its_name() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    let declared = custom(&shop, "true", CustomOutput::Elsewhere { tag: Some("v2".to_owned()) });
    let expected = Built { id: None, reference: format!("{}:v2", engine.name("app")) };
    assert_eq!(run(&mut shop, declared).unwrap(), expected);
    let file = shop.write("ref", "old:one");
    let output = CustomOutput::Reference { file: FilePath::new(&file), elsewhere: false };
    let script = "test ! -e ref && env | grep EXPECTED_ || echo some/where:v3 >ref";
    let declared = custom(&shop, script, CustomOutput::Reference { file: FilePath::new(&file), elsewhere: true });
    assert_eq!(run(&mut shop, declared).unwrap(), Built { id: None, reference: "some/where:v3".to_owned() });
    let declared = custom(&shop, "echo BASE >ref", output.clone());
    assert!(run(&mut shop, declared).unwrap().id.is_some(), "it is here");
    for (script, why) in [
        ("true", "wrote no reference"),
        ("echo nothing >ref", "has no tag"),
        ("echo some/where:v3 >ref", "wrote `some/where:v3` to `"),
        ("echo 'a b' >ref", "is no reference"),
    ] {
        let declared = custom(&shop, script, output.clone());
        let failure = run(&mut shop, declared).unwrap_err();
        assert!(failure.failure().message.contains(why), "{failure:?}");
    }
    fs::remove_file(&file).unwrap();
}

#[test]
fn a_command_that_fails_or_makes_nothing_is_named() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    for (script, why) in [("echo no; exit 4", "ended with exit code 4"), ("true", "succeeded, and there is no image")] {
        let declared = custom(&shop, script, CustomOutput::Local { tag: None });
        let failure = run(&mut shop, declared).unwrap_err();
        assert!(matches!(&failure, BuildFailure::Recipe(failure) if failure.message.contains(why)), "{failure:?}");
    }
}

#[test]
fn a_command_waits_for_the_end_of_one_that_was_cancelled() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    let slow = "trap 'sleep 0.3; exit 1' TERM; echo $$ >pid; echo begun; sleep 1000 & wait; wait";
    let declared = custom(&shop, slow, CustomOutput::Local { tag: None });
    let order = shop.order(Build::Custom(Box::new(declared)));
    let log = Log::new(shop.screen.clone());
    super::block_on(async {
        tokio::select! {
            ended = build(&shop.tools, &order, &log) => panic!("{ended:?}"),
            () = shop.screen.shows("begun") => {}
        }
    });
    let declared =
        custom(&shop, "if kill -0 $(cat pid); then exit 5; else exit 4; fi", CustomOutput::Local { tag: None });
    let failure = run(&mut shop, declared).unwrap_err();
    assert!(failure.failure().message.ends_with("ended with exit code 4"), "{failure:?}");
}
