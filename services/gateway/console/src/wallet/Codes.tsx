import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { encode } from "uqr";
import { useKnown } from "./context";
import type { Card, CardCode } from "./operations";
import { shownNumber } from "./shown";

const QUIET = 10;
const BAR_HEIGHT = 44;
const PADDING = 12;
const QR_WIDEST = 264;
const BARS_WIDEST = 400;

/** Makes a drawing as wide as whole screen pixels for each module allow: scanners mind bars of uneven width. */
function useWholePixels(modules: number, widest: number) {
  const drawing = useRef<SVGSVGElement>(null);
  useLayoutEffect(() => {
    const fit = () => {
      const room = Math.min(drawing.current?.parentElement?.clientWidth ?? 0, widest + 2 * PADDING) - 2 * PADDING;
      const pixels = Math.max(1, Math.floor((room * devicePixelRatio) / modules));
      drawing.current?.style.setProperty("width", `${(pixels * modules) / devicePixelRatio}px`);
    };
    fit();
    addEventListener("resize", fit);
    return () => removeEventListener("resize", fit);
  }, [modules, widest]);
  return drawing;
}

/** Dark modules as one path: neighbors in a row are drawn together. */
function modulesPath(data: boolean[][]): string {
  const parts: string[] = [];
  data.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const begin = x;
      while (row[x + 1]) x++;
      parts.push(`M${begin} ${y}h${x - begin + 1}v1H${begin}z`);
    }
  });
  return parts.join("");
}

export function QrCode({ text, label }: { text: string; label: string }) {
  const code = useMemo(() => encode(text, { ecc: "M", border: 4 }), [text]);
  const drawing = useWholePixels(code.size, QR_WIDEST);
  return (
    <svg
      ref={drawing}
      className="qr"
      viewBox={`0 0 ${code.size} ${code.size}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <path d={modulesPath(code.data)} fill="#000" />
    </svg>
  );
}

function Bars({ widths, label }: { widths: number[]; label: string }) {
  const total = widths.reduce((sum, width) => sum + width, 0);
  const drawing = useWholePixels(total + 2 * QUIET, BARS_WIDEST);
  let x = QUIET;
  const bars = widths.map((width, index) => {
    const begin = x;
    x += width;
    return index % 2 === 0 ? `M${begin} 0h${width}v${BAR_HEIGHT}H${begin}z` : "";
  });
  return (
    <svg
      ref={drawing}
      className="bars"
      viewBox={`0 0 ${total + 2 * QUIET} ${BAR_HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <path d={bars.join("")} fill="#000" />
    </svg>
  );
}

function codeAt(codes: CardCode[], at: number): CardCode | null {
  return codes.find((code) => at >= Date.parse(code.validFrom) && at < Date.parse(code.validUntil)) ?? null;
}

/** The code of the moment by the server's clock, whatever this phone's says; `ahead` is the difference. */
export function Codes({ card, ahead }: { card: Card; ahead: number }) {
  const { words } = useKnown();
  const [now, setNow] = useState(() => Date.now() + ahead);
  useEffect(() => {
    setNow(Date.now() + ahead);
    const timer = setInterval(() => setNow(Date.now() + ahead), 500);
    return () => clearInterval(timer);
  }, [ahead]);
  const code = codeAt(card.codes, now);
  const left = code === null ? 0 : Math.max(0, Math.ceil((Date.parse(code.validUntil) - now) / 1000));
  return (
    <section className="codes" aria-label={words.show}>
      {code === null ? (
        <p className="codes-over">{words.codesOver}</p>
      ) : (
        <>
          <QrCode text={code.text} label={words.qrLabel} />
          <p className="countdown">
            <progress max={30} value={left} aria-hidden="true" />
            <span>
              {words.nextCode} {left} {words.seconds}
            </span>
          </p>
        </>
      )}
      {card.bars !== null && <Bars widths={card.bars} label={words.barsLabel} />}
      <p className="number">
        <span className="only-read">{words.cardNumber} </span>
        {shownNumber(card.number)}
      </p>
      <p className="show">{words.show}</p>
    </section>
  );
}
