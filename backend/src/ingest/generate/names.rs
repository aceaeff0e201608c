//! What the products are called.

use rand::{Rng, seq::IndexedRandom};

const COLOURS: [&str; 16] = [
    "WHITE",
    "RED",
    "PINK",
    "BLUE",
    "GREEN",
    "IVORY",
    "CREAM",
    "BLACK",
    "SILVER",
    "GOLD",
    "ZINC",
    "NATURAL",
    "PASTEL",
    "ROSE",
    "TURQUOISE",
    "VINTAGE",
];
const STYLES: [&str; 20] = [
    "RETROSPOT",
    "HEART",
    "FLORAL",
    "POLKADOT",
    "PAISLEY",
    "REGENCY",
    "SKULL",
    "STRAWBERRY",
    "WOODLAND",
    "SPACEBOY",
    "DOLLY GIRL",
    "UNION JACK",
    "CHRISTMAS",
    "ENAMEL",
    "WICKER",
    "GLASS",
    "WOODEN",
    "KNITTED",
    "METAL",
    "PAPER",
];
const THINGS: [&str; 32] = [
    "LUNCH BAG",
    "JUMBO BAG",
    "T-LIGHT HOLDER",
    "CAKESTAND",
    "BUNTING",
    "LANTERN",
    "COAT HANGER",
    "HOT WATER BOTTLE",
    "TEA TOWEL",
    "MUG",
    "BOWL",
    "PLATE",
    "TEAPOT",
    "CAKE CASES",
    "CANDLE",
    "PHOTO FRAME",
    "DOORMAT",
    "CUSHION COVER",
    "WALL CLOCK",
    "BIRTHDAY CARD",
    "GIFT WRAP",
    "RIBBON",
    "STORAGE BOX",
    "SEWING KIT",
    "UMBRELLA",
    "NECKLACE",
    "KEY FOB",
    "ALARM CLOCK",
    "JAM JAR",
    "DRAWER KNOB",
    "GARLAND",
    "SIGN",
];

/// A description in the manner of the real ones; one in forty needs quotes in CSV.
pub(super) fn description(rng: &mut impl Rng) -> String {
    let mut pick = |words: &[&'static str]| words.choose(rng).copied().unwrap_or_default();
    let (colour, style, thing) = (pick(&COLOURS), pick(&STYLES), pick(&THINGS));
    match rng.random_range(0..40) {
        0 => format!("{thing},{style},{colour}"),
        1..5 => format!("SET OF {} {colour} {style} {thing}", rng.random_range(2..=12)),
        5..11 => format!("{style} {thing}"),
        11..15 => format!("{colour} {thing}"),
        _ => format!("{colour} {style} {thing}"),
    }
}
