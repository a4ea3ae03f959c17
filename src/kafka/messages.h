// All messages. Adding an API: its structs and tables in kafka/api/, its row in kafka/api_key.h, its name in this list.
//
// Thread    plain values: any.
// Source    Apache Kafka's protocol guide; names are those of its schemas.
#pragma once

#include "kafka/api/api_versions.h"
#include "kafka/api/delete_groups.h"
#include "kafka/api/describe_cluster.h"
#include "kafka/api/describe_groups.h"
#include "kafka/api/fetch.h"
#include "kafka/api/find_coordinator.h"
#include "kafka/api/heartbeat.h"
#include "kafka/api/join_group.h"
#include "kafka/api/leave_group.h"
#include "kafka/api/list_groups.h"
#include "kafka/api/list_offsets.h"
#include "kafka/api/metadata.h"
#include "kafka/api/offset_commit.h"
#include "kafka/api/offset_fetch.h"
#include "kafka/api/offset_for_leader_epoch.h"
#include "kafka/api/produce.h"
#include "kafka/api/sync_group.h"

// X(Name) for each API, whose messages are NameRequest and NameResponse.
#define SLUICE_KAFKA_APIS(X) \
  X(Produce)                 \
  X(Fetch)                   \
  X(ListOffsets)             \
  X(Metadata)                \
  X(OffsetCommit)            \
  X(OffsetFetch)             \
  X(FindCoordinator)         \
  X(JoinGroup)               \
  X(Heartbeat)               \
  X(LeaveGroup)              \
  X(SyncGroup)               \
  X(DescribeGroups)          \
  X(ListGroups)              \
  X(ApiVersions)             \
  X(OffsetForLeaderEpoch)    \
  X(DeleteGroups)            \
  X(DescribeCluster)
