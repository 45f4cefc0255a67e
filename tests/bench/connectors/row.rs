//! What the loops write and the connectors move: rows of ten columns, and entries of a hundred bytes.

/// How a table is made. Both servers know these types.
pub(super) const COLUMNS: &str = "id BIGINT NOT NULL PRIMARY KEY, customer BIGINT NOT NULL, quantity INT NOT NULL, \
     price DOUBLE PRECISION NOT NULL, weight DOUBLE PRECISION, name VARCHAR(40) NOT NULL, city VARCHAR(40), \
     note VARCHAR(80), active SMALLINT NOT NULL, changed TIMESTAMP(3) NOT NULL";

/// How many columns there are.
pub(super) const WIDTH: usize = 10;

/// One row; the number tells all of it.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) customer: i64,
    pub(super) quantity: i32,
    pub(super) price: f64,
    pub(super) weight: f64,
    pub(super) name: String,
    pub(super) city: &'static str,
    pub(super) note: String,
    pub(super) active: i16,
    /// Day of January 2026, hour, minute, second, millisecond.
    pub(super) changed: [u32; 5],
}

impl Row {
    pub(super) fn numbered(n: u64) -> Row {
        const CITIES: [&str; 4] = ["Kyoto", "Valparaíso", "Timbuktu", "Reykjavík"];
        let part = |divisor: u64, below: u64| (n / divisor % below) as u32;
        Row {
            id: n as i64,
            customer: (n * 7919 % 100_003) as i64,
            quantity: (n % 97) as i32,
            price: n as f64 / 8.0,
            weight: n as f64 * 0.1,
            name: format!("customer number {n:08}"),
            city: CITIES[(n % 4) as usize],
            note: format!("to be delivered at the back door, parcel {n:012}"),
            active: (n % 2) as i16,
            changed: [part(86_400_000, 28) + 1, part(3_600_000, 24), part(60_000, 60), part(1000, 60), part(1, 1000)],
        }
    }
}

/// One row as a loop reads it.
pub(super) struct ReadRow {
    pub(super) id: i64,
    pub(super) customer: i64,
    pub(super) quantity: i32,
    pub(super) price: f64,
    pub(super) weight: Option<f64>,
    pub(super) name: String,
    pub(super) city: Option<String>,
    pub(super) note: Option<String>,
    pub(super) active: i16,
    /// Milliseconds since 1970.
    pub(super) changed: i64,
}

/// Key and value for Redis.
pub(super) fn entry(n: u64) -> (String, String) {
    (format!("key-{n:012}"), format!("{n:012} {:a<87}", "the quick brown fox jumps over the lazy dog "))
}
