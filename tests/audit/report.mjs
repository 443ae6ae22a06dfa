// What every script here gets and gives: the gateway in the environment, one line of JSON on standard output.

/** Where the gateway is and who may ask it: the members of `Audited` in stage.py. */
export const audited = () => JSON.parse(process.env.REGULARS_AUDIT);

/** `checks` is a number, `failures` a list of sentences, `note` what else the table should say. */
export const report = ({ checks, failures, note = "" }) =>
  process.stdout.write(`${JSON.stringify({ checks, failures, note })}\n`);
