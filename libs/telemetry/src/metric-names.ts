/**
 * Every metric of Quartet: what dashboards, alerts and runbooks refer to. Labels have few, known values:
 * never a tenant, a text of a user, an address or a key.
 */
export const metricNames = {
  quartet_rpc_server_handled_total: {
    kind: "counter",
    help: "Calls a server has finished, by method and code.",
    labels: ["service", "method", "type", "code"],
  },
  quartet_rpc_server_duration_seconds: {
    kind: "histogram",
    help: "Time from the arrival of a call to its end, streams included.",
    labels: ["service", "method", "type"],
  },
  quartet_rpc_server_in_flight: {
    kind: "gauge",
    help: "Calls a server is working on.",
    labels: ["service", "method"],
  },
  quartet_rpc_server_refused_total: {
    kind: "counter",
    help: "Calls refused before any handler saw them: malformed, too large, of an unknown compression or deadline.",
    labels: ["service", "method", "code"],
  },
  quartet_rpc_server_readers_stalled_total: {
    kind: "counter",
    help: "Responses ended because their reader took nothing for too long.",
    labels: [],
  },
  quartet_rpc_client_handled_total: {
    kind: "counter",
    help: "Calls to other services that have ended, by method and code.",
    labels: ["service", "method", "type", "code"],
  },
  quartet_rpc_client_duration_seconds: {
    kind: "histogram",
    help: "Time from the start of a call to another service to its end, streams included.",
    labels: ["service", "method", "type"],
  },
  quartet_rpc_client_in_flight: {
    kind: "gauge",
    help: "Calls to other services that have not ended.",
    labels: ["service", "method"],
  },
  quartet_hop_settled_total: {
    kind: "counter",
    help: "Calls of the gateway to an inner service, by what they told its breaker.",
    labels: ["hop", "outcome"],
  },
  quartet_hop_duration_seconds: {
    kind: "histogram",
    help: "Time of the gateway's calls to an inner service, retries included.",
    labels: ["hop"],
  },
  quartet_hop_retries_total: {
    kind: "counter",
    help: "Second and third attempts of the gateway's calls to an inner service.",
    labels: ["hop"],
  },
  quartet_hop_breaker_refused_total: {
    kind: "counter",
    help: "Calls that an open breaker did not let through.",
    labels: ["hop"],
  },
  quartet_hop_breaker_open: {
    kind: "gauge",
    help: "How open a breaker is: 0 closed, 0.5 half open, 1 open.",
    labels: ["hop"],
  },
  quartet_gateway_left_out_total: {
    kind: "counter",
    help: "Stages that an answer or a search was given without, by reason.",
    labels: ["stage", "reason"],
  },
  quartet_search_legs_total: {
    kind: "counter",
    help: "Legs of searches, by source, how they ended and why.",
    labels: ["source", "leg", "status", "reason"],
  },
  quartet_search_leg_duration_seconds: {
    kind: "histogram",
    help: "Time of the legs of searches that were asked.",
    labels: ["source", "leg"],
  },
  quartet_search_rerank_duration_seconds: {
    kind: "histogram",
    help: "Time of the reranker, by its kind.",
    labels: ["reranker"],
  },
  quartet_search_rerank_failures_total: {
    kind: "counter",
    help: "Searches whose passages could not be reranked and stand as the fusion ordered them.",
    labels: ["reranker"],
  },
  quartet_projection_passages_total: {
    kind: "counter",
    help: "Passages that were brought into the keyword index, or that it will never take.",
    labels: ["outcome"],
  },
  quartet_projection_failures_total: {
    kind: "counter",
    help: "Batches of changes that could not be brought into the keyword index and will be repeated.",
    labels: [],
  },
  quartet_pool_size: {
    kind: "gauge",
    help: "Members of a pool of connections, by pool.",
    labels: ["pool"],
  },
  quartet_pool_max_size: {
    kind: "gauge",
    help: "The most members a pool may have.",
    labels: ["pool"],
  },
  quartet_pool_idle: {
    kind: "gauge",
    help: "Members of a pool without work.",
    labels: ["pool"],
  },
  quartet_pool_waiting: {
    kind: "gauge",
    help: "Callers that wait for a member of a pool.",
    labels: ["pool"],
  },
  quartet_pool_wait_p95_seconds: {
    kind: "gauge",
    help: "The 95th percentile of the wait for a member of a pool over 5 minutes.",
    labels: ["pool"],
  },
  quartet_queue_waiting: {
    kind: "gauge",
    help: "Items that wait in a queue.",
    labels: ["queue"],
  },
  quartet_queue_running: {
    kind: "gauge",
    help: "Items of a queue that are being worked on.",
    labels: ["queue"],
  },
  quartet_queue_oldest_age_seconds: {
    kind: "gauge",
    help: "How long the oldest item of a queue has waited: the lag.",
    labels: ["queue"],
  },
  quartet_indexing_passages_total: {
    kind: "counter",
    help: "Passages that the embedding worker has dealt with: stored, or refused by the embedder.",
    labels: ["outcome"],
  },
  quartet_indexing_failures_total: {
    kind: "counter",
    help: "Rounds of the embedding worker that failed and will be repeated, by reason.",
    labels: ["reason"],
  },
  quartet_indexing_activations_total: {
    kind: "counter",
    help: "Embedding spaces that searches were switched to.",
    labels: [],
  },
  quartet_redis_up: {
    kind: "gauge",
    help: "Whether a service uses Redis now: 1, or 0 while it is away or too slow and work goes on without it.",
    labels: ["client"],
  },
  quartet_redis_calls_total: {
    kind: "counter",
    help: "Calls of Redis by use: answered, refused (a command got an error), late, failed (the connection or the server), or bypassed without being sent.",
    labels: ["use", "outcome"],
  },
  quartet_redis_call_duration_seconds: {
    kind: "histogram",
    help: "Time of Redis' answers that came in time.",
    labels: ["use"],
  },
  quartet_shared_cache_reads_total: {
    kind: "counter",
    help: "Keys looked up in a cache in Redis: hit, miss, invalid (not one of ours, and deleted), or bypassed.",
    labels: ["cache", "outcome"],
  },
  quartet_shared_cache_writes_total: {
    kind: "counter",
    help: "Values for a cache in Redis: stored, failed, or dropped because too many waited.",
    labels: ["cache", "outcome"],
  },
  quartet_cache_lookups_total: {
    kind: "counter",
    help: "Look-ups in the caches of a process, shared part included: hit, miss, coalesced (waited for an equal one), or bypassed (the cache failed or was slow).",
    labels: ["level", "outcome"],
  },
  quartet_cache_removals_total: {
    kind: "counter",
    help: "Entries that left the memory of a cache: evicted for lack of room, or invalidated because they were no longer true or an operator asked.",
    labels: ["level", "reason"],
  },
  quartet_cache_entries: { kind: "gauge", help: "Entries of a cache in the memory of a process.", labels: ["level"] },
  quartet_cache_bytes: {
    kind: "gauge",
    help: "Bytes of a cache in the memory of a process, about.",
    labels: ["level"],
  },
  quartet_cache_oldest_age_seconds: {
    kind: "gauge",
    help: "The age of the oldest entry of a cache in the memory of a process.",
    labels: ["level"],
  },
  quartet_access_lookups_total: {
    kind: "counter",
    help: "Access tokens that were looked up in their store: found, absent, or failed. Most calls are answered from memory.",
    labels: ["outcome"],
  },
  quartet_prompt_tokens_saved_total: {
    kind: "counter",
    help: "Tokens left out of prompts, estimated, by reason: white_space, duplicate (an earlier passage has the same text), or overlap (an earlier one of the document has the sentence).",
    labels: ["reason"],
  },
  quartet_generation_shared_total: {
    kind: "counter",
    help: "Answers that joined an equal one that a model was writing already, and made no call of their own.",
    labels: [],
  },
  quartet_generation_section_duration_seconds: {
    kind: "histogram",
    help: "Time from the call to the end of a section that is whole, by the first 64 names; others are `other`.",
    labels: ["section"],
  },
  quartet_generation_section_characters_total: {
    kind: "counter",
    help: "Characters of sections that are whole, by the same names.",
    labels: ["section"],
  },
  quartet_generation_sections_failed_total: {
    kind: "counter",
    help: "Sections that have no text or not all of it, by the same names.",
    labels: ["section", "reason"],
  },
  quartet_embedding_batches_total: {
    kind: "counter",
    help: "Calls to an embedding model that texts of several requests may share.",
    labels: ["purpose"],
  },
  quartet_embedding_batch_texts_total: {
    kind: "counter",
    help: "Texts in calls that several requests may share: divided by the calls, how well they are filled.",
    labels: ["purpose"],
  },
  quartet_embedding_batch_requests_total: {
    kind: "counter",
    help: "Requests whose texts went in calls that several may share: divided by the calls, how many share one.",
    labels: ["purpose"],
  },
  quartet_spent_dollars_total: {
    kind: "counter",
    help: "US dollars that calls to models cost, by the operator's prices.",
    labels: ["service", "model"],
  },
  quartet_budget_refused_total: {
    kind: "counter",
    help: "Calls to models that a budget did not let through, by reason and, where one is exhausted, whose.",
    labels: ["reason", "scope"],
  },
  quartet_budget_platform_limit_dollars: {
    kind: "gauge",
    help: "US dollars that all tenants together may spend in a calendar month.",
    labels: [],
  },
  quartet_budget_platform_spent_dollars: {
    kind: "gauge",
    help: "US dollars that all tenants together have spent in this month, as last read from the ledger.",
    labels: [],
  },
  quartet_ledger_records_total: {
    kind: "counter",
    help: "Batches of spending for the ledger: recorded, failed (and tried again), or dropped (sums that no ledger has).",
    labels: ["outcome"],
  },
  quartet_key_calls_total: {
    kind: "counter",
    help: "Calls with a key of a model provider, by its label: ok, or error where the provider refused or failed.",
    labels: ["pool", "label", "outcome"],
  },
  quartet_key_rests_total: {
    kind: "counter",
    help: "How often a key of a model provider was at its limit, or was told that nothing is left.",
    labels: ["pool", "label"],
  },
  quartet_key_tokens_total: {
    kind: "counter",
    help: "Tokens that calls with a key of a model provider sent (input) and received (output).",
    labels: ["pool", "label", "direction"],
  },
  quartet_key_cost_dollars_total: {
    kind: "counter",
    help: "What calls with a key of a model provider cost, by the configured prices.",
    labels: ["pool", "label"],
  },
  quartet_key_state: {
    kind: "gauge",
    help: "Whether a key of a model provider is in this state: 1, or 0 when it is in another one.",
    labels: ["pool", "label", "state"],
  },
  quartet_indexing_lease_held: {
    kind: "gauge",
    help: "Whether this gateway is the one whose worker gives passages their vectors.",
    labels: [],
  },
} as const satisfies Record<string, { kind: MetricKind; help: string; labels: readonly string[] }>;

export type MetricKind = "counter" | "gauge" | "histogram";
export type MetricName = keyof typeof metricNames;
