import { useResource } from '../../data/resource.ts'
import type { OfferView } from '../../data/views.ts'
import { Button } from '../../design/button.tsx'
import { Badge } from '../../design/card.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { type Column, Table } from '../../design/table.tsx'
import { Credits } from '../../design/value.tsx'
import { nameOf } from './ledger.tsx'
import type { AskOptions, Message } from './model/conversation.ts'

/** Has a question answered once more: in the same way, or by somebody else. */
export function AskAgain(props: {
  message: Message | null
  onClose: () => void
  onRetry: (id: string, change: Partial<AskOptions>) => void
}) {
  const { message, onClose, onRetry } = props
  const again = (change: Partial<AskOptions>) => {
    if (message !== null) onRetry(message.id, change)
    onClose()
  }
  return (
    <Dialog
      title="Ask again"
      isOpen={message !== null}
      onClose={onClose}
      actions={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" icon="retry" onClick={() => again({})}>
            As before
          </Button>
        </>
      }
    >
      {message === null ? null : <Elsewhere answer={message} onChoose={again} />}
    </Dialog>
  )
}

function Elsewhere(props: { answer: Message; onChoose: (change: Partial<AskOptions>) => void }) {
  const { data, error, reload } = useResource<OfferView[]>('/api/offers')
  const { provider, model } = props.answer.answer!
  const others = data?.filter(offer => offer.provider !== provider && !offer.own) ?? []
  const columns: readonly Column<OfferView>[] = [
    { id: 'provider', head: 'Provider', cell: offer => nameOf(offer.provider) },
    {
      id: 'model',
      head: 'Model',
      cell: offer => (
        <>
          {offer.model.split('@')[0]} {offer.model === model ? <Badge>same</Badge> : null}
        </>
      ),
    },
    {
      id: 'price',
      head: 'Per million',
      isNumber: true,
      cell: offer => <Credits exact={offer.outputPerMillion} />,
      order: offer => Number(offer.outputPerMillion),
    },
    {
      id: 'choose',
      head: '',
      cell: offer => (
        <Button
          size="s"
          aria-label={`Ask ${nameOf(offer.provider)}`}
          onClick={() => props.onChoose({ preferredProvider: offer.provider, model: offer.model })}
        >
          Ask
        </Button>
      ),
    },
  ]
  if (error !== null && data === null) return <ErrorState error={error} retry={reload} />
  if (data === null) return <Skeleton />
  return (
    <>
      <p>
        {provider === null
          ? 'Who answers is chosen anew.'
          : `${nameOf(provider)} answered. Others who could, the price being for output:`}
      </p>
      <Table
        caption="Others who could answer"
        columns={columns}
        rows={others}
        keyOf={offer => `${offer.provider} ${offer.model}`}
        empty={<p>Nobody else offers a model right now. As before is still possible.</p>}
      />
    </>
  )
}
