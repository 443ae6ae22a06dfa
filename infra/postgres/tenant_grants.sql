-- What the application role may do in a tenant's schema, said before its tables are made: a grant on all tables of a
-- schema looks at every table of the database. Run by the owner role; {schema} is filled in by the migration runner.
GRANT USAGE ON SCHEMA {schema} TO regulars_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO regulars_app;
