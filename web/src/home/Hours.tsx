import { exactly } from "../components/moments";
import { useLanguage } from "../texts";
import type { Hour } from "./overview";

const HEIGHT = 90;
const WIDTH = 10;

interface HoursProps {
  hours: Hour[];
  /** What the whole says, for those who do not see it. */
  label: string;
  good: string;
  bad: string;
}

/** What went well and what did not, hour by hour, one above the other. */
export function Hours({ hours, label, good, bad }: HoursProps) {
  const language = useLanguage();
  const most = Math.max(1, ...hours.map((hour) => hour.good + hour.bad));
  return (
    <svg role="img" className="bars low" viewBox={`0 0 ${Math.max(1, hours.length) * WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-label={label}>
      {hours.map((hour, index) => {
        const well = (hour.good / most) * HEIGHT;
        const badly = (hour.bad / most) * HEIGHT;
        return (
          <g key={hour.at}>
            <title>{`${exactly(hour.at, language)}: ${good} ${hour.good}, ${bad} ${hour.bad}`}</title>
            <rect className="good" x={index * WIDTH + 1} y={HEIGHT - well} width={WIDTH - 2} height={well} />
            <rect className="bad" x={index * WIDTH + 1} y={HEIGHT - well - badly} width={WIDTH - 2} height={badly} />
          </g>
        );
      })}
    </svg>
  );
}
