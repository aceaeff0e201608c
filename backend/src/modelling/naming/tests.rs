use tillstream_shared::{
    Entity, ModelKind, Scaling, Transform,
    testing::{LINE_FEATURES, scaled_model as model},
};

use super::*;

const RFM: [&str; 3] = ["Recency", "Frequency", "Monetary"];

fn english(model: &Model) -> Vec<String> {
    name_clusters(model).into_iter().map(|(name, _)| name.en).collect()
}

fn assert_distinct(model: &Model) {
    let named = name_clusters(model);
    for text in [|name: &Text| name.en.clone(), |name: &Text| name.id.clone()] {
        let mut names: Vec<_> = named.iter().map(|(name, _)| text(name)).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), named.len(), "{names:?}");
    }
}

#[test]
fn customers_are_called_what_they_are() {
    let clusters: [(u64, &[f64]); 2] = [(300, &[0.4, -0.5, -0.5]), (100, &[-1.3, 1.5, 1.4])];
    let model = model(ModelKind::Profile, Entity::Customer, &RFM, &clusters);
    let [(low, sentence), (high, _)] = &name_clusters(&model)[..] else { panic!() };
    assert_eq!(low.en, "infrequent, low spend, not seen for a while");
    assert_eq!(high.en, "very frequent, very high spend, seen very recently");
    assert_eq!(high.id, "sangat sering belanja, nilai belanja sangat tinggi, baru saja belanja");
    assert_eq!(
        sentence.en,
        "This cluster holds 300 of 400 customers (75%), typically with a last purchase 10 days ago \
         (6.21 overall), 3.48 invoices (6.39 overall) and a total spend of 3.48 (6.21 overall)."
    );
    assert_eq!(
        sentence.id,
        "Klaster ini memuat 300 dari 400 pelanggan (75%), umumnya dengan belanja terakhir 10 hari \
         lalu (keseluruhan 6,21), 3,48 faktur (keseluruhan 6,39) dan total belanja 3,48 (keseluruhan \
         6,21)."
    );
}

#[test]
fn lines_are_so_many_of_such_goods() {
    let clusters: [(u64, &[f64]); 3] = [(5, &[-0.6, 0.9]), (5, &[0.7, -0.4]), (2, &[0.0, -1.5])];
    let model = model(ModelKind::Line, Entity::Product, &LINE_FEATURES, &clusters);
    let names = name_clusters(&model);
    assert_eq!(names[0].0.en, "few pieces of expensive goods");
    assert_eq!(names[0].0.id, "barang mahal dalam jumlah sedikit");
    assert_eq!(names[1].0.en, "large quantities of cheap goods");
    assert_eq!(names[2].0.en, "moderate quantities of very cheap goods");
    assert!(names[2].1.en.contains("2 of 12 lines (16.7%)"), "{}", names[2].1.en);
}

#[test]
fn equal_names_get_the_next_feature_and_at_last_the_rank() {
    let features = ["recency", "frequency", "monetary", "mean_basket", "tenure"];
    let clusters: [(u64, &[f64]); 3] = [
        (2, &[0.9, 0.8, 0.7, 0.6, 0.0]),
        (2, &[0.9, 0.8, 0.7, -0.6, 0.0]),
        (4, &[-0.9, -0.8, -0.7, 0.0, 0.0]),
    ];
    let customers = model(ModelKind::Profile, Entity::Customer, &features, &clusters);
    assert_eq!(
        english(&customers),
        [
            "frequent, high spend, large baskets, not seen for a while",
            "frequent, high spend, small baskets, not seen for a while",
            "infrequent, low spend, seen recently",
        ]
    );
    let same: [(u64, &[f64]); 3] =
        [(2, &[0.9, 0.1, 0.0]), (2, &[0.9, 0.1, 0.0]), (4, &[-0.9, -0.1, 0.0])];
    let customers = model(ModelKind::Profile, Entity::Customer, &RFM, &same);
    assert_eq!(
        english(&customers),
        [
            "not seen for a while, value rank 1 of 3",
            "not seen for a while, value rank 2 of 3",
            "seen recently",
        ]
    );
}

#[test]
fn one_cluster_is_all() {
    for (entity, en, id) in [
        (Entity::Customer, "all customers", "semua pelanggan"),
        (Entity::Product, "all products", "semua produk"),
        (Entity::Country, "all countries", "semua negara"),
    ] {
        let model = model(ModelKind::Profile, entity, &["Revenue"], &[(38, &[0.0])]);
        let (name, sentence) = &name_clusters(&model)[0];
        assert_eq!((name.en.as_str(), name.id.as_str()), (en, id));
        assert!(sentence.en.starts_with("This cluster holds all 38 "), "{}", sentence.en);
        assert!(!sentence.en.contains("overall"));
    }
}

#[test]
fn every_known_feature_has_its_words_and_others_their_name() {
    let all: [(Entity, &[&str]); 3] = [
        (Entity::Customer, &["recency", "frequency", "monetary", "mean_basket", "tenure"]),
        (Entity::Product, &["units", "revenue", "customers", "mean_price", "return_rate"]),
        (Entity::Country, &["revenue", "orders", "customers", "mean_order_value"]),
    ];
    for (entity, features) in all {
        for z in [-2.0, -0.5, 0.5, 2.0] {
            for j in 0..features.len() {
                let (mut one, other) = (vec![0.0; features.len()], vec![0.0; features.len()]);
                one[j] = z;
                let clusters: [(u64, &[f64]); 2] = [(1, &one), (1_000, &other)];
                let model = model(ModelKind::Profile, entity, features, &clusters);
                let names = name_clusters(&model);
                // A feature without words would keep its English name.
                let (en, id) = (&names[0].0.en, &names[0].0.id);
                assert!(!id.contains(&features[j].replace('_', " ")), "{en}: {id}");
                assert_eq!(names[1].0.en, "close to the average");
            }
        }
    }
    let clusters: [(u64, &[f64]); 2] = [(9, &[0.5]), (9, &[-0.5])];
    let model = model(ModelKind::Profile, Entity::Country, &["shoe_size"], &clusters);
    assert_eq!(english(&model), ["high shoe size", "low shoe size"]);
    assert_eq!(name_clusters(&model)[0].0.id, "shoe size tinggi");
}

#[test]
fn unscaled_features_are_judged_by_the_spread_between_the_clusters() {
    let clusters: [(u64, &[f64]); 2] = [(1_000, &[10.0, 3.0]), (2, &[74_215.0, 3.0])];
    let mut model = model(ModelKind::Line, Entity::Customer, &LINE_FEATURES, &clusters);
    model.preprocessing.scaling = Scaling::None;
    model.preprocessing.transform = Transform::Identity;
    let names = english(&model);
    assert_eq!(names[1], "very large quantities of mid-priced goods");
    assert_eq!(names[0], "moderate quantities of mid-priced goods");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    #[test]
    fn names_within_a_model_are_distinct(
        rows in proptest::collection::vec((1_u64..50, proptest::collection::vec(-2.0..2.0_f64, 3)), 1..12),
    ) {
        let clusters: Vec<(u64, &[f64])> = rows.iter().map(|(n, c)| (*n, c.as_slice())).collect();
        assert_distinct(&model(ModelKind::Profile, Entity::Customer, &RFM, &clusters));
        let pairs: Vec<(u64, &[f64])> = rows.iter().map(|(n, c)| (*n, &c[..2])).collect();
        assert_distinct(&model(ModelKind::Line, Entity::Customer, &LINE_FEATURES, &pairs));
    }
}
