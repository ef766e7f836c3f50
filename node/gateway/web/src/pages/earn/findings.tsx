import type { MarketView } from '../../../../market-views.ts'
import { count } from '../../../../readable.ts'
import { Card } from '../../design/card.tsx'
import { Icon } from '../../design/icon.tsx'

type Finding = MarketView['findings'][number]

const WORDS: Record<Finding['verdict'], string> = {
  ok: 'well',
  hint: 'could be better',
  problem: 'a problem',
  unknown: 'not known',
}

/** Why tasks come, or do not: everything a provider needs, with what was seen and what to do. */
export function FindingsCard({ market }: { market: MarketView }) {
  const { findings, cause } = market
  const shown = findings.filter(({ verdict }) => verdict === 'problem' || verdict === 'hint')
  const rest = findings.filter(({ verdict }) => verdict === 'ok' || verdict === 'unknown')
  const hints = findings.filter(({ verdict }) => verdict === 'hint').length
  return (
    <Card
      title={cause === null ? 'Nothing keeps tasks away' : 'Why no tasks'}
      about={
        cause === null
          ? hints === 0
            ? 'Tasks come when somebody asks.'
            : `${count(hints, 'thing')} could be better.`
          : 'The likeliest cause stands first.'
      }
    >
      {shown.length === 0 ? null : (
        <ul className="findings">
          {shown
            .toSorted((a, b) => Number(b === cause || isSame(b, cause)) - Number(isSame(a, cause)))
            .map(finding => (
              <FindingRow key={finding.check} finding={finding} />
            ))}
        </ul>
      )}
      <details className="findings-well">
        <summary>{count(rest.length, 'other thing')} looked at</summary>
        <ul className="findings">
          {rest.map(finding => (
            <FindingRow key={finding.check} finding={finding} />
          ))}
        </ul>
      </details>
    </Card>
  )
}

function isSame(a: Finding, b: Finding | null): boolean {
  return a.check === b?.check
}

function FindingRow({ finding: { check, verdict, evidence, fix } }: { finding: Finding }) {
  return (
    <li data-verdict={verdict}>
      <span className="finding-mark" aria-hidden="true">
        {verdict === 'ok' ? (
          <Icon name="check" size={14} />
        ) : verdict === 'problem' ? (
          <Icon name="close" size={14} />
        ) : verdict === 'hint' ? (
          <Icon name="warning" size={14} />
        ) : null}
      </span>
      <div>
        <p>
          <strong>{check}</strong>
          <span className="visually-hidden"> ({WORDS[verdict]})</span> {evidence}
        </p>
        {fix === null ? null : <p className="finding-fix">{fix}</p>}
      </div>
    </li>
  )
}
