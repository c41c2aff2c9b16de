//! What `v1alpha1.*` does: buttons of the project, and commands that run by themselves.

use super::folder::Folder;
use orch::model::{Button, ButtonAction, Discovery, InputKind, PodReadiness, ProbeAction, Project, ResourceName};

fn load(text: &str) -> (Folder, Project) {
    let folder = Folder::with(&[("Orchfile", text)]);
    let loaded = folder.load();
    let project = loaded.project.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    (folder, project)
}

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

fn names(project: &Project) -> Vec<&str> {
    project.resources.iter().map(|resource| resource.name.as_str()).collect()
}

const NAV: &str = "location={'component_id': 'nav', 'component_type': 'Global'}";
const WEB: &str = "location=v1alpha1.ui_component_location('web', 'Resource')";

#[test]
fn a_button_has_its_commands_and_inputs() {
    let (folder, project) = load(&format!(
        "local_resource('web', 'true')\n\
         v1alpha1.ui_button('seed', {WEB}, text='Seed', icon_name='build', requires_confirmation=True, inputs=[\n\
         \x20   v1alpha1.ui_input_spec('COUNT', text=v1alpha1.ui_text_input_spec('10', placeholder='rows')),\n\
         \x20   {{'name': 'FORCE', 'label': 'Really', 'bool': {{'true_string': '-f'}}}},\n\
         ])\n\
         v1alpha1.cmd('btn-seed', args=['seed', 'x'], env=['A=b=c'], dir='sub', start_on={{'ui_buttons': ['seed', 'all']}},\n\
         \x20   annotations={{'tilt.dev/resource': 'web'}})\n\
         v1alpha1.ui_button('all', {NAV}, disabled=True)\n\
         v1alpha1.cmd('other', args=['other'], start_on={{'ui_buttons': ['all']}})\n"
    ));
    assert_eq!(names(&project), ["web"]);
    let buttons: Vec<&Button> = project.buttons.iter().map(AsRef::as_ref).collect();
    let [seed, all] = buttons.as_slice() else { panic!("{buttons:?}") };
    assert_eq!((seed.text.as_str(), seed.icon.as_str(), seed.confirm, seed.disabled), ("Seed", "build", true, false));
    assert_eq!((seed.resource.as_ref(), all.resource.as_ref()), (Some(&name("web")), None));
    let text = InputKind::Text { default: "10".to_owned(), placeholder: "rows".to_owned() };
    assert_eq!(seed.inputs[0].kind, text);
    assert_eq!(seed.inputs[1].kind, InputKind::Bool { default: false, on: Some("-f".to_owned()), off: None });
    let [ButtonAction::Run { name: command_name, log, command }] = seed.actions.as_slice() else { panic!("{seed:?}") };
    assert_eq!((command_name.as_str(), log), ("btn-seed", &name("web")));
    assert_eq!((command.argv.join(" "), &command.dir), ("seed x".to_owned(), &folder.path("sub")));
    assert_eq!(command.env.get("A").map(String::as_str), Some("b=c"));
    // A command without a resource writes a log of the button's name.
    let logs = all.actions.iter().map(|action| match action {
        ButtonAction::Run { log, .. } => log.to_string(),
        ButtonAction::Trigger(_) => String::new(),
    });
    assert_eq!(logs.collect::<Vec<_>>(), ["web", "all"]);
}

#[test]
fn a_command_that_waits_for_nothing_runs_and_follows_its_files() {
    let (folder, project) = load(&format!(
        "v1alpha1.file_watch('src', watched_paths=['src', 'lib'], ignores=[v1alpha1.ignore_def('src', patterns=['*.tmp'])])\n\
         v1alpha1.cmd('gen', args=['gen'], restart_on=v1alpha1.restart_on_spec(file_watches=['src'], ui_buttons=['again']))\n\
         v1alpha1.ui_button('again', {NAV})\n\
         v1alpha1.cmd('serve', args=['serve'], readiness_probe={{'tcp_socket': {{'port': 80}}, 'period_seconds': 5}})\n\
         v1alpha1.cmd('probed', args=['x'], readiness_probe=v1alpha1.probe(handler=v1alpha1.handler(exec=v1alpha1.exec_action(['true']))))\n"
    ));
    assert_eq!(names(&project), ["gen", "serve", "probed"]);
    let local = |place: usize| project.resources[place].kind.local().unwrap().clone();
    let files = local(0);
    assert_eq!(files.inputs.roots, [folder.path("src"), folder.path("lib")]);
    assert!(files.inputs.ignore[0].base == folder.path("src") && files.cancel_superseded && files.parallel);
    assert_eq!(project.buttons[0].actions, [ButtonAction::Trigger(name("gen"))]);
    let probe = local(1).serve.unwrap().probe.unwrap();
    assert_eq!((probe.action, probe.period_secs), (ProbeAction::TcpSocket { port: 80, host: None }, Some(5)));
    let (_, asking) = load(
        "headers = [v1alpha1.http_header('X-A', 'b')]\n\
         v1alpha1.cmd('c', args=['x'], readiness_probe=v1alpha1.probe(http_get=v1alpha1.http_get_action(port=1, http_headers=headers)))\n",
    );
    let probe = asking.resources[0].kind.local().unwrap().serve.clone().unwrap().probe.unwrap();
    let ProbeAction::HttpGet { headers, .. } = probe.action else { panic!("{probe:?}") };
    assert_eq!(headers, [("X-A".to_owned(), "b".to_owned())]);
    let probe = local(2).serve.unwrap().probe.unwrap();
    assert_eq!(probe.action, ProbeAction::Exec { argv: vec!["true".to_owned()] });
}

#[test]
fn the_name_of_a_command_gives_way_to_that_of_a_resource() {
    let (_, project) = load("v1alpha1.cmd('web', args=['x'])\nlocal_resource('web', 'true')\n");
    assert_eq!(names(&project), ["web", "cmd:web"]);
}

#[test]
fn a_config_map_turns_commands_off() {
    let off = "disable_source=v1alpha1.disable_source(config_map=v1alpha1.config_map_disable_source('switches', KEY))";
    let (_, project) = load(&format!(
        "v1alpha1.config_map('switches', data={{'a': 'true', 'b': 'false'}})\n\
         v1alpha1.cmd('a', args=['x'], {})\n\
         v1alpha1.cmd('b', args=['x'], {})\n\
         v1alpha1.cmd('c', args=['x'], {})\n\
         every = [v1alpha1.config_map_disable_source('switches', 'a'), v1alpha1.config_map_disable_source('switches', 'b')]\n\
         v1alpha1.cmd('d', args=['x'], disable_source={{'every_config_map': every}})\n",
        off.replace("KEY", "'a'"),
        off.replace("KEY", "'b'"),
        off.replace("KEY", "'missing'"),
    ));
    assert_eq!(names(&project), ["b", "d"]);
}

#[test]
fn commands_are_everybodys() {
    let folder = Folder::with(&[(
        "Orchfile",
        "v1alpha1.cmd('gen', args=['x'])\nlocal_resource('a', 'true')\nlocal_resource('b', 'true')\n",
    )]);
    let project = folder.load_with("Orchfile", &["a"]).project.unwrap();
    let enabled = project.resources.iter().filter(|resource| resource.enabled).map(|resource| resource.name.as_str());
    assert_eq!(enabled.collect::<Vec<_>>(), ["a", "gen"]);
}

#[test]
fn kubernetes_objects_are_applied_and_found() {
    let (folder, project) = load(
        "v1alpha1.kubernetes_apply('shop', yaml='{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {}}}}',\n\
         \x20   kubernetes_discovery_template_spec={'extra_selectors': [v1alpha1.label_selector({'app': 'shop'})]},\n\
         \x20   port_forward_template_spec=v1alpha1.port_forward_template_spec([v1alpha1.forward(8080, 80, path='/x')]))\n\
         v1alpha1.file_watch('src', watched_paths=['src'])\n\
         v1alpha1.kubernetes_apply('custom', restart_on={'file_watches': ['src']},\n\
         \x20   apply_cmd=v1alpha1.kubernetes_apply_cmd(['apply'], env=['A=1']), delete_cmd={'args': ['delete'], 'dir': 'sub'})\n\
         v1alpha1.kubernetes_discovery('others', extra_selectors=[v1alpha1.label_selector({'app': 'other'})])\n",
    );
    assert_eq!(names(&project), ["shop", "custom", "others"]);
    let kube = |place: usize| project.resources[place].kind.kube().unwrap().clone();
    let shop = kube(0);
    assert_eq!((shop.objects[0].kind.as_str(), shop.pod_readiness), ("Job", PodReadiness::Succeeded));
    assert_eq!(shop.extra_pod_selectors[0].get("app").map(String::as_str), Some("shop"));
    assert_eq!(shop.port_forwards[0].url(), "http://localhost:8080/x");
    let custom = kube(1).custom.unwrap();
    assert_eq!(custom.inputs.roots, [folder.path("src")]);
    assert_eq!((custom.apply.env.get("A").map(String::as_str), &custom.delete.dir), (Some("1"), &folder.path("sub")));
    assert_eq!(kube(2).discovery, Some(Discovery::SelectorsOnly));
}
