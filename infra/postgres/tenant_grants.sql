-- What the application role may do in a tenant's schema. {schema} is filled in by the migration runner.
GRANT USAGE ON SCHEMA {schema} TO regulars_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO regulars_app;
-- The ledger is append-only: nobody the product runs as may change what is written.
REVOKE UPDATE, DELETE, TRUNCATE ON ledger_entries, ledger_postings, ledger_lot_movements FROM regulars_app;
