import { Codes } from "./Codes";
import { useKnown } from "./context";
import { shownDay, shownPoints } from "./shown";

export function CardView({ ahead }: { ahead: number }) {
  const { member, language, words, scale, unitName, available } = useKnown();
  const { card, tier } = member;
  const balance = member.balances.find((one) => one.unit === card?.unit);
  const points = (amount: number) => shownPoints(amount, scale, language);
  return (
    <div className="columns">
      <h1 className="only-read">{words.title}</h1>
      <section className="plate" aria-label={words.balance}>
        <p className="plate-who">
          <span>{member.name ?? words.member}</span>
          {tier && <strong className="badge">{tier.tier.name[language]}</strong>}
        </p>
        <p className="plate-balance">
          <strong>{points(available)}</strong> <span>{unitName}</span>
        </p>
        {balance !== undefined && (balance.pending > 0 || balance.owed > 0) && (
          <p className="plate-more">
            {balance.pending > 0 && (
              <span>
                +{points(balance.pending)} {words.pending}
              </span>
            )}
            {balance.owed > 0 && (
              <span>
                {points(balance.owed)} {words.owed}
              </span>
            )}
          </p>
        )}
      </section>
      {card && <Codes card={card} ahead={ahead} />}
      {card && card.ending.length > 0 && (
        <section className="sheet" aria-labelledby="ending">
          <h2 id="ending">{words.endingTitle}</h2>
          <ul className="rows">
            {card.ending.slice(0, 5).map((end) => (
              <li key={end.at}>
                <span>
                  <strong>{points(end.points)}</strong> {unitName}
                </span>
                <span className="soft">
                  {words.endsOn} {shownDay(end.at, member.timezone, language)}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {tier && <TierSheet />}
      {card && (card.applePassUrl || card.googleSaveUrl) && (
        <p className="savers">
          {card.applePassUrl && (
            <a className="wide quiet" href={card.applePassUrl}>
              {words.addApple}
            </a>
          )}
          {card.googleSaveUrl && (
            <a className="wide quiet" href={card.googleSaveUrl} rel="noreferrer">
              {words.addGoogle}
            </a>
          )}
        </p>
      )}
    </div>
  );
}

function TierSheet() {
  const { member, language, words } = useKnown();
  if (member.tier === null) return null;
  const { tier, progress } = member.tier;
  const percent = Math.floor(Number(progress.fraction) * 100);
  const next = progress.nextTier?.name[language];
  const missing = new Intl.NumberFormat(language).format(progress.missing);
  return (
    <section className="sheet" aria-labelledby="tier">
      <h2 id="tier">{words.tier}</h2>
      <p className="tier-name">
        <strong>{tier.name[language]}</strong>
        {next !== undefined && <span className="soft">{next}</span>}
      </p>
      {next === undefined ? (
        <p className="soft">{words.atTop}</p>
      ) : (
        <>
          <progress className="way" max={100} value={percent} aria-label={words.toNext(missing, next)} />
          <p className="soft">{words.toNext(missing, next)}</p>
        </>
      )}
      {tier.benefits.length > 0 && (
        <>
          <h3>{words.benefits}</h3>
          <ul className="benefits">
            {tier.benefits.map((benefit) => (
              <li key={benefit.en}>{benefit[language]}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
