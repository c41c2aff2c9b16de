//! What the builtins for Kubernetes gather: objects, and what was said of the resources that will be made of them.

use crate::model::KubeSettings;

/// All that was said of Kubernetes so far.
#[derive(Debug, Default)]
pub struct DraftKube {
    /// What holds for all of it.
    pub settings: KubeSettings,
}
