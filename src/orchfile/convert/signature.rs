//! What a called function takes: of builtins from their documentation, of the user's functions from their text.

use crate::orchfile::{
    context::Context,
    dialect::lexer::{Kind, tokens},
    text::Site,
};
use starlark::docs::{DocFunction, DocItem, DocMember, DocModule, DocParams};

/// The names of the parameters of the call at `site`, in their order. Empty when they are not known.
pub(super) fn of_call(context: &Context<'_>, site: &Site, callee: Option<&str>) -> Vec<String> {
    let text = site.text();
    let written = text.split('(').next().unwrap_or_default().trim();
    let own_name = callee.map_or(written, |callee| callee.rsplit('.').next().unwrap_or(callee));
    of_builtin(context, written)
        .or_else(|| of_builtin(context, own_name))
        .or_else(|| of_definition(site.source.text(), own_name))
        .or_else(|| context.texts().iter().find_map(|source| of_definition(source.text(), own_name)))
        .unwrap_or_default()
}

/// The parameters of `name`, which may be dotted.
fn of_builtin(context: &Context<'_>, name: &str) -> Option<Vec<String>> {
    let documentation = context.globals.documentation();
    let (folders, last) = name.rsplit_once('.').map_or((None, name), |(folders, last)| (Some(folders), last));
    let mut module: &DocModule = &documentation;
    for folder in folders.into_iter().flat_map(|folders| folders.split('.')) {
        match module.members.get(folder)? {
            DocItem::Module(inner) => module = inner,
            _ => return None,
        }
    }
    match module.members.get(last)? {
        DocItem::Member(DocMember::Function(function)) => Some(names(function)),
        _ => None,
    }
}

fn names(function: &DocFunction) -> Vec<String> {
    let DocParams { pos_only, pos_or_named, named_only, .. } = &function.params;
    pos_only.iter().chain(pos_or_named).chain(named_only).map(|parameter| parameter.name.clone()).collect()
}

/// The parameters of `def name(…)` in a text.
fn of_definition(text: &str, name: &str) -> Option<Vec<String>> {
    let head = format!("def {name}(");
    let begin = text.find(&head)? + head.len();
    let rest = &text[begin..];
    let (mut open, mut names, mut is_first) = (0_usize, Vec::new(), true);
    for token in tokens(rest) {
        let word = &rest[token.range.clone()];
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close if open == 0 => break,
            Kind::Close => open -= 1,
            Kind::Sign if open == 0 && word == "," => is_first = true,
            Kind::Word if open == 0 && is_first => {
                names.push(word.to_owned());
                is_first = false;
            }
            // What `*` and `**` gather has no name of its own.
            Kind::Sign => is_first = false,
            _ => {}
        }
    }
    Some(names)
}
