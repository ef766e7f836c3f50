import type { Receipt } from '../../../../../../protocol/messages/receipt.ts'
import { formatCredits } from '../../../../../../protocol/money.ts'
import { Facts } from '../../design/card.tsx'
import { Credits, Id, Time } from '../../design/value.tsx'

/** What the signed bytes say; read from them here, not from a view of the node. */
export function ReceiptFacts({ receipt, cid }: { receipt: Receipt; cid: string }) {
  const [model = receipt.model] = receipt.model.split('@')
  return (
    <Facts
      of={[
        { name: 'Receipt', value: <Id id={cid} what="the receipt’s CID" /> },
        { name: 'Model', value: <span title={receipt.model}>{model}</span> },
        {
          name: 'Work',
          value: `${receipt.outputTokens} tokens from a prompt of ${receipt.promptTokens}`,
          note: `ended by ${receipt.reason}`,
        },
        { name: 'Price', value: <Credits exact={formatCredits(receipt.amount)} /> },
        { name: 'Provider', value: <Id id={receipt.provider} what="the provider’s node key" /> },
        { name: 'Requester', value: <Id id={receipt.requester} what="the requester’s node key" /> },
        { name: 'Ended', value: <Time iso={new Date(receipt.endedAtMs).toISOString()} /> },
        {
          name: 'Output',
          value: <Id id={receipt.output} what="the hash of what was delivered" />,
          note: 'SHA-256 of tokens and text',
        },
      ]}
    />
  )
}
