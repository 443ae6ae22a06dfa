-- The same read with the tenant's schema written into every name. Changed only with an ADR, with its twin.
\set number random(1, :members)
BEGIN;
SELECT members.id, members.name, members.status, member_tiers.tier_code, available_in - available_out AS available
FROM {schema}.bench_members JOIN {schema}.members USING (id)
    JOIN {schema}.member_tiers ON member_tiers.member_id = members.id
    JOIN {schema}.ledger_balances ON ledger_balances.holder_id = members.id
WHERE bench_members.number = :number;
COMMIT;
