//! The named data sets. Their names, record names and fields are those that users of Kafka Connect know; the values are
//! made up here.

/// A named data set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dataset {
    name: &'static str,
    /// Its Avro schema, with rules.
    pub(crate) schema: &'static str,
    /// The field that becomes the key.
    pub(crate) key: &'static str,
}

/// The names, in lower case and in order.
pub(crate) fn names() -> Vec<&'static str> {
    DATASETS.iter().map(|set| set.name).collect()
}

/// The data set of this name, in upper or lower case.
pub(crate) fn find(name: &str) -> Option<Dataset> {
    DATASETS.iter().find(|set| set.name.eq_ignore_ascii_case(name)).copied()
}

macro_rules! datasets {
    ($($name:literal by $key:literal in $file:literal,)*) => {
        &[$(Dataset { name: $name, key: $key, schema: include_str!(concat!("../datasets/", $file, ".avsc")) }),*]
    };
}

const DATASETS: &[Dataset] = datasets! {
    "campaign_finance" by "candidate_id" in "campaign_finance",
    "clickstream" by "ip" in "clickstream",
    "clickstream_codes" by "code" in "clickstream_codes",
    "clickstream_users" by "user_id" in "clickstream_users",
    "credit_cards" by "card_id" in "credit_cards",
    "device_information" by "device_ip" in "device_information",
    "fleet_mgmt_description" by "vehicle_id" in "fleet_mgmt_description",
    "fleet_mgmt_location" by "vehicle_id" in "fleet_mgmt_location",
    "fleet_mgmt_sensors" by "vehicle_id" in "fleet_mgmt_sensors",
    "gaming_games" by "id" in "gaming_games",
    "gaming_player_activity" by "player_id" in "gaming_player_activity",
    "gaming_players" by "player_id" in "gaming_players",
    "insurance_customer_activity" by "activity_id" in "insurance_customer_activity",
    "insurance_customers" by "customer_id" in "insurance_customers",
    "insurance_offers" by "offer_id" in "insurance_offers",
    "inventory" by "id" in "inventory",
    "orders" by "orderid" in "orders",
    "pageviews" by "viewtime" in "pageviews",
    "payroll_bonus" by "employee_id" in "payroll_bonus",
    "payroll_employee" by "employee_id" in "payroll_employee",
    "payroll_employee_location" by "employee_id" in "payroll_employee_location",
    "pizza_orders" by "store_id" in "pizza_orders",
    "pizza_orders_cancelled" by "store_id" in "pizza_orders_cancelled",
    "pizza_orders_completed" by "store_id" in "pizza_orders_completed",
    "product" by "id" in "product",
    "purchases" by "id" in "purchases",
    "ratings" by "rating_id" in "ratings",
    "shoe_clickstream" by "product_id" in "shoe_clickstream",
    "shoe_customers" by "id" in "shoe_customers",
    "shoe_orders" by "order_id" in "shoe_orders",
    "shoes" by "id" in "shoes",
    "siem_logs" by "hostname" in "siem_logs",
    "stock_trades" by "symbol" in "stock_trades",
    "stores" by "store_id" in "stores",
    "syslog_logs" by "host" in "syslog_logs",
    "transactions" by "transaction_id" in "transactions",
    "users" by "userid" in "users",
    "users_" by "userid" in "users_array_map",
};
