interface Point {
  good: number;
  bad: number;
}

const WIDTH = 96;
const HEIGHT = 24;

/** What went well and what did not, hour by hour, as small bars. The label says it in words. */
export function Sparkline({ points, label }: { points: Point[]; label: string }) {
  const most = Math.max(1, ...points.map(({ good, bad }) => good + bad));
  const step = WIDTH / Math.max(1, points.length);
  // What is not nothing is to be seen.
  const tall = (count: number) => (count === 0 ? 0 : Math.max(2, (count / most) * HEIGHT));
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {points.map(({ good, bad }, index) => (
        <g key={index}>
          <rect className="good" x={index * step} width={step * 0.8} y={HEIGHT - tall(good)} height={tall(good)} />
          <rect className="bad" x={index * step} width={step * 0.8} y={Math.max(0, HEIGHT - tall(good) - tall(bad))} height={tall(bad)} />
        </g>
      ))}
    </svg>
  );
}
