-- The two roles of Regulars, and what they may do in the database this is run in. Safe to run again.
--
--   createdb regulars && psql --dbname regulars --set ON_ERROR_STOP=1 --file infra/postgres/roles.sql
--
-- Run it as a superuser, or as a role with CREATEROLE that owns the database. Then give both roles a way to log in
-- (\password regulars_owner, \password regulars_app, or certificates) and point REGULARS_DIRECT_DATABASE_URL at the
-- owner, REGULARS_DATABASE_URL at the application.

DO $$
BEGIN
  -- Two runs at once may both see no role: the second then finds it made.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'regulars_owner') THEN
    BEGIN CREATE ROLE regulars_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'regulars_app') THEN
    BEGIN CREATE ROLE regulars_app; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
  END IF;
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('GRANT regulars_owner TO %I', current_user);  -- a database is given only to a role one belongs to
  END IF;
END
$$;

-- The owner makes and migrates schemas. A migration that has to wait for a lock gives up instead of queueing everybody.
ALTER ROLE regulars_owner LOGIN NOCREATEDB NOCREATEROLE;
ALTER ROLE regulars_owner SET lock_timeout TO '4s';
ALTER ROLE regulars_owner SET idle_in_transaction_session_timeout TO '60s';
ALTER ROLE regulars_owner SET timezone TO 'UTC';

-- The application sees no schema until a transaction names one: a forgotten tenant fails instead of reading a neighbor.
ALTER ROLE regulars_app LOGIN NOCREATEDB NOCREATEROLE;
ALTER ROLE regulars_app SET search_path TO '';
ALTER ROLE regulars_app SET statement_timeout TO '15s';
ALTER ROLE regulars_app SET lock_timeout TO '10s';
ALTER ROLE regulars_app SET idle_in_transaction_session_timeout TO '30s';
ALTER ROLE regulars_app SET timezone TO 'UTC';

DO $$
BEGIN
  EXECUTE format('ALTER DATABASE %I OWNER TO regulars_owner', current_database());
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO regulars_app', current_database());
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
