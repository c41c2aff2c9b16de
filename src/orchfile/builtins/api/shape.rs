//! What API objects and their parts are made of: one table, from which the functions, their checks and their documentation come.

/// What a field takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// A text.
    Text,
    /// True or False.
    Flag,
    /// An integer.
    Number,
    /// A list of texts.
    Texts,
    /// A dict of texts.
    TextMap,
    /// A path, relative to the folder of the calling file.
    Path,
    /// As `Path`; that folder itself where not given.
    Folder,
    /// A list of such paths.
    Paths,
    /// A part.
    Part(&'static Shape),
    /// A list of parts.
    Parts(&'static Shape),
}

/// A field of an object or of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// In the language.
    pub(super) name: &'static str,
    /// In the API.
    pub(super) api: &'static str,
    /// What it takes.
    pub(super) takes: Takes,
    /// The API shows it also where it was not given.
    pub(super) always: Option<Always>,
}

/// What the API shows of a field that was not given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Always {
    /// null.
    Null,
    /// "".
    Empty,
}

/// An object or a part.
#[derive(Debug)]
pub(super) struct Shape {
    /// The function that makes it.
    pub(super) name: &'static str,
    /// What it is, for the reference.
    pub(super) about: &'static str,
    /// In the order of the parameters.
    pub(super) fields: &'static [Field],
}

const fn field(name: &'static str, api: &'static str, takes: Takes) -> Field {
    Field { name, api, takes, always: None }
}

const fn always(field: Field, always: Always) -> Field {
    Field { always: Some(always), ..field }
}

use Takes::{Flag, Folder, Number, Part, Parts, Path, Paths, Text, TextMap, Texts};

/// An object, with the name of its kind in the API.
pub(super) static OBJECTS: &[(&str, &Shape)] = &[
    ("cmds", &CMD),
    ("configmaps", &CONFIG_MAP),
    ("extensions", &EXTENSION),
    ("extensionrepos", &EXTENSION_REPO),
    ("filewatches", &FILE_WATCH),
    ("kubernetesapplys", &KUBERNETES_APPLY),
    ("kubernetesdiscoverys", &KUBERNETES_DISCOVERY),
    ("uibuttons", &UI_BUTTON),
];

/// What objects are made of.
pub(super) static PARTS: &[&Shape] = &[
    &CONFIG_MAP_DISABLE_SOURCE,
    &DISABLE_SOURCE,
    &EXEC_ACTION,
    &FORWARD,
    &HANDLER,
    &HTTP_GET_ACTION,
    &HTTP_HEADER,
    &IGNORE_DEF,
    &KUBERNETES_APPLY_CMD,
    &KUBERNETES_DISCOVERY_TEMPLATE_SPEC,
    &KUBERNETES_IMAGE_LOCATOR,
    &KUBERNETES_IMAGE_OBJECT_DESCRIPTOR,
    &KUBERNETES_WATCH_REF,
    &LABEL_SELECTOR,
    &LABEL_SELECTOR_REQUIREMENT,
    &OBJECT_SELECTOR,
    &POD_LOG_STREAM_TEMPLATE_SPEC,
    &PORT_FORWARD_TEMPLATE_SPEC,
    &PROBE,
    &RESTART_ON_SPEC,
    &START_ON_SPEC,
    &TCP_SOCKET_ACTION,
    &UI_BOOL_INPUT_SPEC,
    &UI_CHOICE_INPUT_SPEC,
    &UI_COMPONENT_LOCATION,
    &UI_HIDDEN_INPUT_SPEC,
    &UI_INPUT_SPEC,
    &UI_TEXT_INPUT_SPEC,
];

static CMD: Shape = Shape {
    name: "cmd",
    about: "A command that runs by itself: at once, and again when `restart_on` says so; or, with `start_on`, whenever a button of \
        it is pressed.",
    fields: &[
        field("args", "args", Texts),
        field("dir", "dir", Folder),
        field("env", "env", Texts),
        field("readiness_probe", "readinessProbe", Part(&PROBE)),
        field("restart_on", "restartOn", Part(&RESTART_ON_SPEC)),
        field("start_on", "startOn", Part(&START_ON_SPEC)),
        field("disable_source", "disableSource", Part(&DISABLE_SOURCE)),
    ],
};

static CONFIG_MAP: Shape = Shape {
    name: "config_map",
    about: "Texts under names, which `disable_source` of other objects reads.",
    fields: &[field("data", "data", TextMap)],
};

static EXTENSION: Shape = Shape {
    name: "extension",
    about: "A Tiltfile of a repository, known by a name: `load(\"ext://NAME\", …)` finds it. It is run beside the project's own file, \
        with `args`, unless it is loaded.",
    fields: &[field("repo_name", "repoName", Text), field("repo_path", "repoPath", Text), field("args", "args", Texts)],
};

static EXTENSION_REPO: Shape = Shape {
    name: "extension_repo",
    about: "A repository with extensions: of git, or a folder (`file:///…`). `ref` pins it; `load_host` makes \
        `load(\"ext://LOAD_HOST/PATH\", …)` lead into it.",
    fields: &[
        field("url", "url", Text),
        field("ref", "ref", Text),
        field("load_host", "loadHost", Text),
        field("git_subpath", "gitSubpath", Text),
    ],
};

static FILE_WATCH: Shape = Shape {
    name: "file_watch",
    about: "Files and folders whose changes start what names it in `restart_on`.",
    fields: &[
        field("watched_paths", "watchedPaths", Paths),
        field("ignores", "ignores", Parts(&IGNORE_DEF)),
        field("disable_source", "disableSource", Part(&DISABLE_SOURCE)),
    ],
};

static KUBERNETES_APPLY: Shape = Shape {
    name: "kubernetes_apply",
    about: "Kubernetes objects that are applied: those of `yaml`, or what `apply_cmd` applies and prints.",
    fields: &[
        field("yaml", "yaml", Text),
        field("image_maps", "imageMaps", Texts),
        field("image_locators", "imageLocators", Parts(&KUBERNETES_IMAGE_LOCATOR)),
        field("timeout", "timeout", Text),
        field(
            "kubernetes_discovery_template_spec",
            "kubernetesDiscoveryTemplateSpec",
            Part(&KUBERNETES_DISCOVERY_TEMPLATE_SPEC),
        ),
        field("port_forward_template_spec", "portForwardTemplateSpec", Part(&PORT_FORWARD_TEMPLATE_SPEC)),
        field("pod_log_stream_template_spec", "podLogStreamTemplateSpec", Part(&POD_LOG_STREAM_TEMPLATE_SPEC)),
        field("discovery_strategy", "discoveryStrategy", Text),
        field("disable_source", "disableSource", Part(&DISABLE_SOURCE)),
        field("apply_cmd", "applyCmd", Part(&KUBERNETES_APPLY_CMD)),
        field("restart_on", "restartOn", Part(&RESTART_ON_SPEC)),
        field("delete_cmd", "deleteCmd", Part(&KUBERNETES_APPLY_CMD)),
        field("cluster", "cluster", Text),
        field("server_side_apply", "serverSideApply", Text),
    ],
};

static KUBERNETES_DISCOVERY: Shape = Shape {
    name: "kubernetes_discovery",
    about: "Pods that somebody else deploys, found by their labels; their ports are forwarded and their logs are shown.",
    fields: &[
        field("watches", "watches", Parts(&KUBERNETES_WATCH_REF)),
        field("extra_selectors", "extraSelectors", Parts(&LABEL_SELECTOR)),
        field("port_forward_template_spec", "portForwardTemplateSpec", Part(&PORT_FORWARD_TEMPLATE_SPEC)),
        field("pod_log_stream_template_spec", "podLogStreamTemplateSpec", Part(&POD_LOG_STREAM_TEMPLATE_SPEC)),
        field("cluster", "cluster", Text),
    ],
};

static UI_BUTTON: Shape = Shape {
    name: "ui_button",
    about: "A button: beside a resource (`location=v1alpha1.ui_component_location(NAME, \"Resource\")`) or for the whole session \
        (`\"nav\"`, `\"Global\"`). Commands name it in `start_on`; `orch click NAME` presses it. \
        `icon_svg` has no effect: a terminal cannot show it.",
    fields: &[
        field("location", "location", Part(&UI_COMPONENT_LOCATION)),
        field("text", "text", Text),
        field("icon_name", "iconName", Text),
        field("icon_svg", "iconSVG", Text),
        field("disabled", "disabled", Flag),
        field("requires_confirmation", "requiresConfirmation", Flag),
        field("inputs", "inputs", Parts(&UI_INPUT_SPEC)),
    ],
};

static CONFIG_MAP_DISABLE_SOURCE: Shape = Shape {
    name: "config_map_disable_source",
    about: "Off while the config map `name` has `true` at `key`.",
    fields: &[field("name", "name", Text), field("key", "key", Text)],
};

static DISABLE_SOURCE: Shape = Shape {
    name: "disable_source",
    about: "What turns an object off: one entry of a config map, or all of several.",
    fields: &[
        field("config_map", "configMap", Part(&CONFIG_MAP_DISABLE_SOURCE)),
        field("every_config_map", "everyConfigMap", Parts(&CONFIG_MAP_DISABLE_SOURCE)),
    ],
};

static EXEC_ACTION: Shape =
    Shape { name: "exec_action", about: "A check that runs a command.", fields: &[field("command", "command", Texts)] };

static FORWARD: Shape = Shape {
    name: "forward",
    about: "A local port that leads to a pod.",
    fields: &[
        field("local_port", "localPort", Number),
        field("container_port", "containerPort", Number),
        field("host", "host", Text),
        field("name", "name", Text),
        field("path", "path", Text),
    ],
};

static HANDLER: Shape = Shape {
    name: "handler",
    about: "What a probe does: one of the three.",
    fields: &[
        field("exec", "exec", Part(&EXEC_ACTION)),
        field("http_get", "httpGet", Part(&HTTP_GET_ACTION)),
        field("tcp_socket", "tcpSocket", Part(&TCP_SOCKET_ACTION)),
    ],
};

static HTTP_GET_ACTION: Shape = Shape {
    name: "http_get_action",
    about: "A check that asks a web server.",
    fields: &[
        field("path", "path", Text),
        field("port", "port", Number),
        field("host", "host", Text),
        field("scheme", "scheme", Text),
        field("http_headers", "httpHeaders", Parts(&HTTP_HEADER)),
    ],
};

static HTTP_HEADER: Shape = Shape {
    name: "http_header",
    about: "A header of a check that asks a web server.",
    fields: &[field("name", "name", Text), field("value", "value", Text)],
};

static IGNORE_DEF: Shape = Shape {
    name: "ignore_def",
    about: "Files below a folder that are not watched; without patterns all of them.",
    fields: &[field("base_path", "basePath", Path), field("patterns", "patterns", Texts)],
};

static KUBERNETES_APPLY_CMD: Shape = Shape {
    name: "kubernetes_apply_cmd",
    about: "A command that applies or removes Kubernetes objects.",
    fields: &[field("args", "args", Texts), field("dir", "dir", Folder), field("env", "env", Texts)],
};

static KUBERNETES_DISCOVERY_TEMPLATE_SPEC: Shape = Shape {
    name: "kubernetes_discovery_template_spec",
    about: "Which pods belong to what is applied, besides those that come of it.",
    fields: &[field("extra_selectors", "extraSelectors", Parts(&LABEL_SELECTOR))],
};

static KUBERNETES_IMAGE_LOCATOR: Shape = Shape {
    name: "kubernetes_image_locator",
    about: "Where objects name images.",
    fields: &[
        field("object_selector", "objectSelector", Part(&OBJECT_SELECTOR)),
        field("path", "path", Text),
        field("object", "object", Part(&KUBERNETES_IMAGE_OBJECT_DESCRIPTOR)),
    ],
};

static KUBERNETES_IMAGE_OBJECT_DESCRIPTOR: Shape = Shape {
    name: "kubernetes_image_object_descriptor",
    about: "The fields of an object that name an image's repository and tag.",
    fields: &[field("repo_field", "repoField", Text), field("tag_field", "tagField", Text)],
};

static KUBERNETES_WATCH_REF: Shape = Shape {
    name: "kubernetes_watch_ref",
    about: "What pods belong to.",
    fields: &[field("uid", "uid", Text), field("namespace", "namespace", Text), field("name", "name", Text)],
};

static LABEL_SELECTOR: Shape = Shape {
    name: "label_selector",
    about: "Which labels pods have.",
    fields: &[
        field("match_labels", "matchLabels", TextMap),
        field("match_expressions", "matchExpressions", Parts(&LABEL_SELECTOR_REQUIREMENT)),
    ],
};

static LABEL_SELECTOR_REQUIREMENT: Shape = Shape {
    name: "label_selector_requirement",
    about: "What is required of a label.",
    fields: &[field("key", "key", Text), field("operator", "operator", Text), field("values", "values", Texts)],
};

static OBJECT_SELECTOR: Shape = Shape {
    name: "object_selector",
    about: "Which objects are meant, by regular expressions.",
    fields: &[
        field("api_version_regexp", "apiVersionRegexp", Text),
        field("kind_regexp", "kindRegexp", Text),
        field("name_regexp", "nameRegexp", Text),
        field("namespace_regexp", "namespaceRegexp", Text),
    ],
};

static POD_LOG_STREAM_TEMPLATE_SPEC: Shape = Shape {
    name: "pod_log_stream_template_spec",
    about: "Which logs of pods are shown.",
    fields: &[
        field("since_time", "sinceTime", Text),
        field("only_containers", "onlyContainers", Texts),
        field("ignore_containers", "ignoreContainers", Texts),
    ],
};

static PORT_FORWARD_TEMPLATE_SPEC: Shape = Shape {
    name: "port_forward_template_spec",
    about: "Local ports that lead to the newest pod.",
    fields: &[field("forwards", "forwards", Parts(&FORWARD))],
};

static PROBE: Shape = Shape {
    name: "probe",
    about: "A check that tells when a command is ready.",
    fields: &[
        field("handler", "handler", Part(&HANDLER)),
        field("initial_delay_seconds", "initialDelaySeconds", Number),
        field("timeout_seconds", "timeoutSeconds", Number),
        field("period_seconds", "periodSeconds", Number),
        field("success_threshold", "successThreshold", Number),
        field("failure_threshold", "failureThreshold", Number),
        field("exec", "exec", Part(&EXEC_ACTION)),
        field("http_get", "httpGet", Part(&HTTP_GET_ACTION)),
        field("tcp_socket", "tcpSocket", Part(&TCP_SOCKET_ACTION)),
    ],
};

static RESTART_ON_SPEC: Shape = Shape {
    name: "restart_on_spec",
    about: "What starts something anew: changes that a `file_watch` sees, buttons that are pressed.",
    fields: &[field("file_watches", "fileWatches", Texts), field("ui_buttons", "uiButtons", Texts)],
};

static START_ON_SPEC: Shape = Shape {
    name: "start_on_spec",
    about: "What starts a command: buttons that are pressed. `start_after` has no effect.",
    fields: &[always(field("start_after", "startAfter", Text), Always::Null), field("ui_buttons", "uiButtons", Texts)],
};

static TCP_SOCKET_ACTION: Shape = Shape {
    name: "tcp_socket_action",
    about: "A check that opens a connection.",
    fields: &[field("port", "port", Number), field("host", "host", Text)],
};

static UI_BOOL_INPUT_SPEC: Shape = Shape {
    name: "ui_bool_input_spec",
    about: "Something to switch on or off; the command finds `true_string` or `false_string`.",
    fields: &[
        field("default_value", "defaultValue", Flag),
        field("true_string", "trueString", Text),
        field("false_string", "falseString", Text),
    ],
};

static UI_CHOICE_INPUT_SPEC: Shape = Shape {
    name: "ui_choice_input_spec",
    about: "One of several texts.",
    fields: &[field("choices", "choices", Texts)],
};

static UI_COMPONENT_LOCATION: Shape = Shape {
    name: "ui_component_location",
    about: "Where a button is: beside a `\"Resource\"`, or `\"Global\"`.",
    fields: &[field("component_id", "componentID", Text), field("component_type", "componentType", Text)],
};

static UI_HIDDEN_INPUT_SPEC: Shape = Shape {
    name: "ui_hidden_input_spec",
    about: "A value that the command finds, and nobody chooses.",
    fields: &[field("value", "value", Text)],
};

static UI_INPUT_SPEC: Shape = Shape {
    name: "ui_input_spec",
    about: "Something to choose before a button is pressed; the command finds it in the variable `name`.",
    fields: &[
        field("name", "name", Text),
        always(field("label", "label", Text), Always::Empty),
        field("text", "text", Part(&UI_TEXT_INPUT_SPEC)),
        field("bool", "bool", Part(&UI_BOOL_INPUT_SPEC)),
        field("hidden", "hidden", Part(&UI_HIDDEN_INPUT_SPEC)),
        field("choice", "choice", Part(&UI_CHOICE_INPUT_SPEC)),
    ],
};

static UI_TEXT_INPUT_SPEC: Shape = Shape {
    name: "ui_text_input_spec",
    about: "Any text.",
    fields: &[field("default_value", "defaultValue", Text), field("placeholder", "placeholder", Text)],
};
