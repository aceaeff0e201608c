//! The colours of clusters. They stand in `tokens.css`, light and dark, and are told apart by people
//! who see few colours; a cluster's number is always written beside its colour.

/// How many colours there are; further clusters begin again.
pub const COLOURS: u32 = 10;

/// The CSS variable that holds the colour of a cluster (from 1).
#[must_use]
pub fn variable(cluster: u32) -> String {
    format!("--cluster-{}", cluster.saturating_sub(1) % COLOURS + 1)
}

/// The colour of a cluster (from 1) as a CSS value.
#[must_use]
pub fn colour(cluster: u32) -> String {
    format!("var({})", variable(cluster))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cluster_has_a_colour_that_the_style_sheet_defines() {
        let sheet = include_str!("../../assets/tokens.css");
        for cluster in 1..=25 {
            let name = format!("{}:", variable(cluster));
            assert!(sheet.matches(&name).count() == 2, "{name} once light, once dark");
        }
    }
}
