// The front door. Everything that users need for the engine itself is exported here, by name.

export { createEngine } from './engine/create.js'
export type { Capabilities, ThreadInfo } from './engine/described.js'
export type { Engine } from './engine/engine.js'
export type { ChunkHolder, ChunkSize, ChunkStats } from './engine/chunks.js'
export type { AgentHandle, SpawnOptions } from './engine/fleet.js'
export type { EngineStats, SubjectStats, ThreadStats } from './engine/stats.js'
export type { EngineOptions } from './engine/options.js'
export type { Placement } from './placement/plan.js'
export type { PlacementInfo, ThreadPlacement } from './engine/placement.js'
export { diagnose, type Diagnosis, type Finding } from './engine/diagnosis.js'
export { channel } from './channel/channel.js'
export type { ChannelHandle, ChannelOptions } from './channel/channel.js'
export { openReceiver } from './channel/receiver.js'
export type { ChannelListener, ChannelReceiver } from './channel/receiver.js'
export { openSender } from './channel/sender.js'
export type { ChannelSender, OfferOutcome } from './channel/sender.js'
export { join } from './engine/join.js'
export type { JoinedBus, JoinHandle } from './engine/join.js'
export type { ErrorContext } from './engine/control.js'
export { defineAgent, on } from './engine/agent-host.js'
export type { AgentContext } from './engine/agent-host.js'
export type { DeadLetters, Letter, ListOptions, ReplayOptions } from './engine/dead-letters.js'
export type { DeadLetterInfo, LetterSummary, ReplayOutcome } from './engine/letters.js'
export type { DeadReason } from './routing/dead-letter.js'
export type { DeadLetterOptions, LetterFilter, OverflowRule } from './routing/letter-store.js'
export type { LinkStats, ThreadCounts } from './counters/snapshot.js'
export type {
  AttachEvent,
  CloseEvent,
  DeadEvent,
  DeadLetterEvent,
  DiagnosticEvents,
  Lag,
  LinkAlmostFullEvent,
  LinkFullEvent,
  MailboxFullEvent,
  OverflowAlmostFullEvent,
  SlowLinkEvent,
  SlowMailboxEvent,
  ForgottenEvent,
} from './base/events.js'
export type { Lease, Loan } from './agent/lease.js'
export type { LoanOptions } from './engine/loans.js'
export type {
  AgentBatchOptions,
  AgentDefinition,
  Answer,
  BatchOptions,
  SubscribeOptions,
} from './agent/agent.js'
export type { BatchMessage } from './agent/batch-mailbox.js'
export type { KeyPolicy, QueuePolicy } from './agent/queue-policy.js'
export type { Condition, Filter } from './codec/filter-rule.js'
export type { MessageInfo, RequestInfo } from './agent/info.js'
export type { ManyReplies } from './routing/many-replies.js'
export type { ReplyStream } from './routing/reply-stream.js'
export type { ManyOptions, StreamOptions } from './engine/streaming.js'
export type {
  Outcome,
  Publisher,
  SubscriptionHandle,
  SubscriptionIterator,
  TapOptions,
} from './engine/handles.js'
export type { Received } from './engine/pull.js'
export type { Consumer, JobHandler } from './queue/consumer.js'
export type { Delivery } from './queue/delivery.js'
export type { AddOptions, ConsumeOptions, QueueOptions, QueueSettings } from './queue/options.js'
export type { QueueStats } from './queue/directory.js'
export type { AddOutcome } from './queue/producer.js'
export type { QueueInfo, WorkQueue } from './queue/work-queue.js'
export type { Headers } from './codec/headers.js'
export type { SubjectOverflow, SubjectTreatment } from './routing/subject-rules.js'
export type { MessageOptions, PublishOptions } from './routing/envelope.js'
export type { Priority } from './base/priority.js'
export type { Algorithm } from './codec/compression.js'
export type { CompressionOptions, CompressionRules } from './routing/packing.js'
export type { RequestOptions } from './routing/requests.js'
export {
  message,
  object,
  raw,
  rpc,
  type Message,
  type PayloadOf,
  type ReplyOf,
  type RequestOf,
  type Rpc,
} from './codec/message.js'
export {
  ascii,
  bool,
  bytes,
  f32,
  f64,
  i16,
  i32,
  i64,
  i8,
  oneOf,
  u16,
  u32,
  u64,
  u8,
  utf8,
  type Fields,
  type FieldType,
  type Infer,
} from './codec/schema.js'
export { FlyshuttleError, type ErrorCode, type ErrorData } from './base/errors.js'
