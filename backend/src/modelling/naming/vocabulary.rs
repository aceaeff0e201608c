//! The words for the known features.

/// A phrase in English and Indonesian.
pub(super) type Pair = (&'static str, &'static str);

/// The words for one feature.
#[derive(Debug)]
pub(super) struct Words {
    /// Where the feature stands in a name, from 0.
    pub(super) place: u8,
    /// From very low to very high.
    pub(super) levels: [Pair; 5],
    /// A figure in a sentence, with `{}` for the number.
    pub(super) figure: Pair,
}

/// The words for pieces in a line; the goods follow "of".
pub(super) const QUANTITY: Words = Words {
    place: 0,
    levels: [
        ("very few pieces", "dalam jumlah sangat sedikit"),
        ("few pieces", "dalam jumlah sedikit"),
        ("moderate quantities", "dalam jumlah sedang"),
        ("large quantities", "dalam jumlah besar"),
        ("very large quantities", "dalam jumlah sangat besar"),
    ],
    figure: ("{} pieces a line", "{} buah per baris"),
};

/// The words for the goods in a line.
pub(super) const UNIT_PRICE: Words = Words {
    place: 1,
    levels: [
        ("very cheap goods", "barang sangat murah"),
        ("cheap goods", "barang murah"),
        ("mid-priced goods", "barang berharga sedang"),
        ("expensive goods", "barang mahal"),
        ("very expensive goods", "barang sangat mahal"),
    ],
    figure: ("a unit price of {}", "harga satuan {}"),
};

/// The words for a customer's feature.
pub(super) fn customer(feature: &str) -> Option<&'static Words> {
    Some(match feature {
        "frequency" => &Words {
            place: 0,
            levels: [
                ("very rare buyers", "sangat jarang belanja"),
                ("infrequent", "jarang belanja"),
                ("average frequency", "frekuensi belanja sedang"),
                ("frequent", "sering belanja"),
                ("very frequent", "sangat sering belanja"),
            ],
            figure: ("{} invoices", "{} faktur"),
        },
        "monetary" => &Words {
            place: 1,
            levels: [
                ("very low spend", "nilai belanja sangat rendah"),
                ("low spend", "nilai belanja rendah"),
                ("average spend", "nilai belanja sedang"),
                ("high spend", "nilai belanja tinggi"),
                ("very high spend", "nilai belanja sangat tinggi"),
            ],
            figure: ("a total spend of {}", "total belanja {}"),
        },
        "mean_basket" => &Words {
            place: 2,
            levels: [
                ("very small baskets", "keranjang sangat kecil"),
                ("small baskets", "keranjang kecil"),
                ("average baskets", "keranjang sedang"),
                ("large baskets", "keranjang besar"),
                ("very large baskets", "keranjang sangat besar"),
            ],
            figure: ("{} a basket", "{} per keranjang"),
        },
        "tenure" => &Words {
            place: 3,
            levels: [
                ("a very short history", "riwayat sangat singkat"),
                ("a short history", "riwayat singkat"),
                ("an average history", "riwayat sedang"),
                ("a long history", "riwayat panjang"),
                ("a very long history", "riwayat sangat panjang"),
            ],
            figure: ("a tenure of {} days", "masa berlangganan {} hari"),
        },
        "recency" => &Words {
            place: 4,
            levels: [
                ("seen very recently", "baru saja belanja"),
                ("seen recently", "belum lama ini belanja"),
                ("last seen an average time ago", "jeda belanja sedang"),
                ("not seen for a while", "sudah lama tidak belanja"),
                ("not seen for very long", "sudah sangat lama tidak belanja"),
            ],
            figure: ("a last purchase {} days ago", "belanja terakhir {} hari lalu"),
        },
        _ => return None,
    })
}

/// The words for a product's feature.
pub(super) fn product(feature: &str) -> Option<&'static Words> {
    Some(match feature {
        "units" => &Words {
            place: 0,
            levels: [
                ("hardly any pieces sold", "terjual sangat sedikit"),
                ("few pieces sold", "terjual sedikit"),
                ("average numbers sold", "terjual dalam jumlah sedang"),
                ("many pieces sold", "terjual banyak"),
                ("very many pieces sold", "terjual sangat banyak"),
            ],
            figure: ("{} pieces sold", "{} buah terjual"),
        },
        "mean_price" => &Words {
            place: 3,
            levels: [
                ("very low price", "harga sangat rendah"),
                ("low price", "harga rendah"),
                ("average price", "harga sedang"),
                ("high price", "harga tinggi"),
                ("very high price", "harga sangat tinggi"),
            ],
            figure: ("a mean price of {}", "harga rata-rata {}"),
        },
        "return_rate" => &Words {
            place: 4,
            levels: [
                ("hardly ever returned", "hampir tidak pernah diretur"),
                ("seldom returned", "jarang diretur"),
                ("returned at an average rate", "tingkat retur sedang"),
                ("often returned", "sering diretur"),
                ("very often returned", "sangat sering diretur"),
            ],
            figure: ("a return rate of {}", "tingkat retur {}"),
        },
        _ => return turnover(feature),
    })
}

/// The words for a country's feature.
pub(super) fn country(feature: &str) -> Option<&'static Words> {
    Some(match feature {
        "orders" => &Words {
            place: 3,
            levels: [
                ("very few orders", "pesanan sangat sedikit"),
                ("few orders", "pesanan sedikit"),
                ("an average number of orders", "jumlah pesanan sedang"),
                ("many orders", "pesanan banyak"),
                ("very many orders", "pesanan sangat banyak"),
            ],
            figure: ("{} orders", "{} pesanan"),
        },
        "mean_order_value" => &Words {
            place: 4,
            levels: [
                ("very small orders", "nilai per pesanan sangat kecil"),
                ("small orders", "nilai per pesanan kecil"),
                ("average-sized orders", "nilai per pesanan sedang"),
                ("large orders", "nilai per pesanan besar"),
                ("very large orders", "nilai per pesanan sangat besar"),
            ],
            figure: ("{} an order", "{} per pesanan"),
        },
        _ => return turnover(feature),
    })
}

/// What products and countries have in common.
fn turnover(feature: &str) -> Option<&'static Words> {
    Some(match feature {
        "revenue" => &Words {
            place: 1,
            levels: [
                ("very low revenue", "omzet sangat rendah"),
                ("low revenue", "omzet rendah"),
                ("average revenue", "omzet sedang"),
                ("high revenue", "omzet tinggi"),
                ("very high revenue", "omzet sangat tinggi"),
            ],
            figure: ("a revenue of {}", "omzet {}"),
        },
        "customers" => &Words {
            place: 2,
            levels: [
                ("very few customers", "pelanggan sangat sedikit"),
                ("few customers", "pelanggan sedikit"),
                ("an average number of customers", "jumlah pelanggan sedang"),
                ("many customers", "pelanggan banyak"),
                ("very many customers", "pelanggan sangat banyak"),
            ],
            figure: ("{} customers", "{} pelanggan"),
        },
        _ => return None,
    })
}
