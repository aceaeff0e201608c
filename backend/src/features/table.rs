//! From profiles to rows of features.

use tillstream_shared::{Entity, Funnel, api::ProfileRows};

use super::{
    Profiles,
    profile::Profile,
    timestamp::{DAY, Span, days},
};

/// One row of features for every customer, product or country with a sale.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileTable {
    /// What the rows are about.
    pub entity: Entity,
    /// Names of the d features; see [`Profiles::table`] and [`Profiles::rfm_table`].
    pub features: Vec<String>,
    /// The n identifiers, ascending byte by byte.
    pub ids: Vec<String>,
    /// n x d, row-major, all finite.
    pub rows: Vec<f64>,
    /// n net spends or revenues, in the currency of the data; by their means clusters are numbered.
    pub values: Vec<f64>,
    /// For each row whether all its counts are exact; otherwise some are HyperLogLog's estimates.
    pub exact: Vec<bool>,
    /// Which lines are in the rows, and why the others are not.
    pub funnel: Funnel,
    /// Customers, products or countries that were seen but have no sale, and hence no row.
    pub without_sale: u64,
}

impl ProfileTable {
    /// The features of row `index`.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f64] {
        let d = self.features.len();
        &self.rows[index * d..][..d]
    }

    /// The rows with the cluster of each, from 1, for the disk and the API.
    #[must_use]
    pub fn to_rows(&self, cluster: Vec<u32>) -> ProfileRows {
        let d = self.features.len();
        let column = |j| self.rows.iter().skip(j).step_by(d).copied().collect();
        ProfileRows {
            features: self.features.clone(),
            ids: self.ids.clone(),
            columns: (0..d).map(column).collect(),
            cluster,
            exact: self.exact.clone(),
        }
    }
}

impl Profiles {
    /// The features of profile models. Of customers:
    ///
    /// - `recency`: days from the customer's last sale or return to the newest line seen, anybody's;
    /// - `frequency`: distinct invoices of sales;
    /// - `monetary`: value of the sales minus that of the returns; may be negative;
    /// - `mean_basket`: value of the sales per invoice of a sale;
    /// - `tenure`: days from the customer's first sale or return to the last.
    ///
    /// Of products:
    ///
    /// - `units`: pieces sold, returns not taken off;
    /// - `revenue`: value of the sales minus that of the returns; may be negative;
    /// - `customers`: distinct customers of the sales; anonymous sales add none;
    /// - `mean_price`: value of the sales per piece sold;
    /// - `return_rate`: pieces returned per piece sold; above 1 where goods come back whose sale was
    ///   never seen.
    ///
    /// Of countries:
    ///
    /// - `revenue`: value of the sales minus that of the returns; may be negative;
    /// - `orders`: distinct invoices of sales;
    /// - `customers`: distinct customers of the sales; anonymous sales add none;
    /// - `mean_order_value`: value of the sales per order.
    ///
    /// Days have fractions. A customer none of whose lines has a date that can be understood counts as
    /// last seen when the oldest line was, with a tenure of 0.
    ///
    /// In the funnel `kept` are the sales and returns of the rows, `returns` the returns of whoever has
    /// no sale, and `unpriced` all lines with a price that is not above zero.
    #[must_use]
    pub fn table(&self) -> ProfileTable {
        let names: &[&str] = match self.entity {
            Entity::Customer => &["recency", "frequency", "monetary", "mean_basket", "tenure"],
            Entity::Product => &["units", "revenue", "customers", "mean_price", "return_rate"],
            Entity::Country => &["revenue", "orders", "customers", "mean_order_value"],
        };
        let shop = self.totals.seen.unwrap_or(Span::at(0));
        let mut table = self.build(names, |profile, rows| {
            let net = profile.sold.minus(profile.returned);
            let sold = profile.sold.get();
            let (orders, customers) = (profile.invoices.count(), profile.customers.count());
            match self.entity {
                Entity::Customer => {
                    let seen = profile.seen.unwrap_or(Span::at(shop.first));
                    let recency = days(seen.last, shop.last);
                    let tenure = days(seen.first, seen.last);
                    rows.extend([recency, orders, net, sold / orders, tenure]);
                }
                Entity::Product => {
                    let units = profile.units_sold as f64;
                    let return_rate = profile.units_returned as f64 / units;
                    rows.extend([units, net, customers, sold / units, return_rate]);
                }
                Entity::Country => rows.extend([net, orders, customers, sold / orders]),
            }
            net
        });
        let totals = &self.totals;
        let (with_sale, without) = self.by_id.values().fold((0, 0), |(with, without), profile| {
            if profile.sales > 0 {
                (with + profile.sales + profile.returns, without)
            } else {
                (with, without + profile.returns)
            }
        });
        table.funnel = Funnel {
            lines: totals.lines,
            without_id: totals.without_id,
            returns: without,
            unpriced: totals.unpriced_sales + totals.unpriced_returns,
            kept: with_sale,
        };
        table
    }

    /// The features of the usual recipe for customers, from their sales alone; `None` for products and
    /// countries:
    ///
    /// - `recency`: whole days from the customer's last sale to one day after the newest sale of any
    ///   customer, hence at least 1;
    /// - `frequency`: distinct invoices of sales;
    /// - `monetary`: value of the sales.
    ///
    /// A customer none of whose sales has a date that can be understood counts as last seen on the
    /// oldest day of all lines. In the funnel `kept` are the sales.
    #[must_use]
    pub fn rfm_table(&self) -> Option<ProfileTable> {
        if self.entity != Entity::Customer {
            return None;
        }
        let newest = self.by_id.values().filter_map(|profile| profile.last_sale).max();
        let oldest = self.totals.seen.map(|seen| seen.first);
        let newest = newest.or(oldest).unwrap_or(0);
        let mut table = self.build(&["recency", "frequency", "monetary"], |profile, rows| {
            let last = profile.last_sale.or(oldest).unwrap_or(newest);
            let recency = (newest + DAY - last).div_euclid(DAY) as f64;
            let monetary = profile.sold.get();
            rows.extend([recency, profile.invoices.count(), monetary]);
            monetary
        });
        let totals = &self.totals;
        let (sales, returns) = self.by_id.values().fold((0, 0), |(sales, returns), profile| {
            (sales + profile.sales, returns + profile.returns)
        });
        table.funnel = Funnel {
            lines: totals.lines,
            without_id: totals.without_id,
            returns: returns + totals.unpriced_returns,
            unpriced: totals.unpriced_sales,
            kept: sales,
        };
        Some(table)
    }

    /// The rows of whoever has a sale, without the funnel. `features` appends the features of a profile
    /// and gives its value.
    fn build(
        &self,
        names: &[&str],
        features: impl Fn(&Profile, &mut Vec<f64>) -> f64,
    ) -> ProfileTable {
        let mut sold: Vec<_> = self.by_id.iter().filter(|(_, profile)| profile.sales > 0).collect();
        sold.sort_unstable_by_key(|(id, _)| *id);
        let mut rows = Vec::with_capacity(sold.len() * names.len());
        let values = sold.iter().map(|(_, profile)| features(profile, &mut rows)).collect();
        ProfileTable {
            entity: self.entity,
            features: names.iter().map(ToString::to_string).collect(),
            ids: sold.iter().map(|(id, _)| id.to_string()).collect(),
            rows,
            values,
            exact: sold.iter().map(|(_, profile)| profile.is_exact()).collect(),
            funnel: Funnel::default(),
            without_sale: (self.by_id.len() - sold.len()) as u64,
        }
    }
}
