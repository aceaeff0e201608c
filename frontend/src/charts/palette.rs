//! The colours of clusters. They stand in `tokens.css`, light and dark, and can be told apart by people
//! who see few colours; a cluster's number is always written beside its colour.
//!
//! A cluster has the colour of its identity, so that it keeps it from model to model whatever its
//! number is there.

use tillstream_shared::Model;

/// How many colours there are; further clusters begin again.
pub const COLOURS: u32 = 10;

/// The CSS variable that holds the colour of an identity (from 1).
#[must_use]
pub fn variable(identity: u32) -> String {
    format!("--cluster-{}", identity.saturating_sub(1) % COLOURS + 1)
}

/// The colour of an identity (from 1) as a CSS value.
#[must_use]
pub fn colour(identity: u32) -> String {
    format!("var({})", variable(identity))
}

/// The identities of a model's clusters, in the order of their numbers. A model of an earlier
/// version has none: the numbers stand for them.
#[must_use]
pub fn identities(model: &Model) -> Vec<u32> {
    let own = |number: u32| {
        model.clusters.get(number as usize - 1).map_or(number, |cluster| cluster.identity)
    };
    (1..=model.k).map(own).collect()
}

/// For each of the identities shown together the one whose colour it has: its own, unless an older
/// one among them has that colour; then the next that is free, as long as there are enough.
#[must_use]
pub fn distinct(identities: &[u32]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..identities.len()).collect();
    order.sort_by_key(|index| identities[*index]);
    let mut taken = [false; COLOURS as usize];
    let mut found = identities.to_vec();
    for index in order {
        let slot = |identity: u32| (identity.saturating_sub(1) % COLOURS) as usize;
        let wanted = identities[index];
        let free = (wanted..wanted + COLOURS).find(|identity| !taken[slot(*identity)]);
        found[index] = free.unwrap_or(wanted);
        taken[slot(found[index])] = true;
    }
    found
}

/// The colours of a model's clusters as CSS values, in the order of their numbers.
#[must_use]
pub fn colours(model: &Model) -> Vec<String> {
    distinct(&identities(model)).into_iter().map(colour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cluster_has_a_colour_that_the_style_sheet_defines() {
        let stylesheet = include_str!("../../assets/tokens.css");
        for cluster in 1..=25 {
            let name = format!("{}:", variable(cluster));
            assert!(stylesheet.matches(&name).count() == 2, "{name} once light, once dark");
        }
    }

    #[test]
    fn an_identity_keeps_its_colour_unless_an_older_one_has_it() {
        assert_eq!(distinct(&[3, 1, 2]), [3, 1, 2], "whatever the numbers are");
        assert_eq!(distinct(&[11, 2, 1]), [13, 2, 1], "the first two colours are taken");
        assert_eq!(distinct(&[1, 12, 11]), [1, 13, 12], "the older one chooses first");
        let many: Vec<u32> = (1..=12).collect();
        assert_eq!(distinct(&many), many, "more clusters than colours");
        assert!(distinct(&[]).is_empty());
    }
}
