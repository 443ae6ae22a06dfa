-- A read as the product routes it: BEGIN and the tenant in one message. Changed only with an ADR, with its twin.
\set number random(1, :members)
BEGIN\; SET LOCAL search_path TO {schema};
SELECT members.id, members.name, members.status, member_tiers.tier_code, available_in - available_out AS available
FROM bench_members JOIN members USING (id) JOIN member_tiers ON member_tiers.member_id = members.id
    JOIN ledger_balances ON ledger_balances.holder_id = members.id
WHERE bench_members.number = :number;
COMMIT;
