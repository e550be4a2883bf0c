//! The clouds that are mounted, and how to reach them: the one place where drivers are chosen.

use std::sync::Arc;

use coc_cloud::Cloud as Driver;
use coc_control::planning::estate::MountedMarket;

use crate::arguments::Global;
use crate::failure::Failure;
use crate::inputs::Input;

/// The clouds to plan over, with what they sell: those given with the input, else the mounted ones.
pub(crate) async fn for_planning(
    _global: &Global,
    _input: &Input,
) -> Result<Vec<(MountedMarket, Arc<dyn Driver>)>, Failure> {
    Ok(Vec::new())
}
