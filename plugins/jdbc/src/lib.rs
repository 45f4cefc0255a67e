//! Source and sink for tables of databases.
