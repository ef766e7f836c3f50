import { Icon } from '../../design/icon.tsx'
import type { ProofResult, ProofStep, ProofStepId } from '../../proof/check-proof.ts'

const TITLES: Record<ProofStepId, string> = {
  form: 'It is the receipt it is named',
  provider: 'The provider signed it',
  requester: 'The requester countersigned it',
  event: 'A node’s audit log has it',
  about: 'The log says the same',
  inclusion: 'The log is closed into a Merkle tree',
  anchor: 'The tree’s root is on chain',
  wallet: 'The right wallet put it there',
  payment: 'Real money stands behind it',
}

const WORDS: Record<ProofResult, string> = { holds: 'holds', fails: 'is false', open: 'is open' }

/** Each step of a proof with its result; what was compared is one press away. */
export function ProofSteps({ steps }: { steps: readonly ProofStep[] }) {
  return (
    <ol className="proof-steps">
      {steps.map(step => (
        <li key={step.id} data-result={step.result} data-step={step.id}>
          <span className="proof-mark" aria-hidden="true">
            {step.result === 'holds' ? (
              <Icon name="check" size={16} />
            ) : step.result === 'fails' ? (
              <Icon name="close" size={16} />
            ) : null}
          </span>
          <div>
            <h3>
              {TITLES[step.id]}
              <span className="visually-hidden">: {WORDS[step.result]}</span>
            </h3>
            <p>{step.found}</p>
            {step.facts.length === 0 ? null : (
              <details>
                <summary>What was compared</summary>
                <dl>
                  {step.facts.map(({ name, value }) => (
                    <div key={name}>
                      <dt>{name}</dt>
                      <dd>
                        <code>{value}</code>
                      </dd>
                    </div>
                  ))}
                </dl>
              </details>
            )}
          </div>
        </li>
      ))}
    </ol>
  )
}
