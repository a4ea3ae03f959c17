// Produce: what is needed of it to refuse it, partition by partition.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"
#include "kafka/types.h"

namespace sluice::kafka {

struct ProduceRequest {
  static constexpr ApiKey kKey = ApiKey::kProduce;

  struct Partition {
    std::int32_t index = 0;
    Records records;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::index),
          field(&Partition::records),
      };
    }
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partition_data;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::name),
          field(&Topic::partition_data),
      };
    }
  };

  std::optional<std::string> transactional_id;
  std::int16_t acks = 0;  // 0: nothing is answered
  std::int32_t timeout_ms = 0;
  std::vector<Topic> topic_data;
  static constexpr auto fields() {
    return std::tuple{
        field(&ProduceRequest::transactional_id).since(3),
        field(&ProduceRequest::acks),
        field(&ProduceRequest::timeout_ms),
        field(&ProduceRequest::topic_data),
    };
  }
};

struct ProduceResponse {
  static constexpr ApiKey kKey = ApiKey::kProduce;

  struct RecordError {
    std::int32_t batch_index = 0;
    std::optional<std::string> batch_index_error_message;
    static constexpr auto fields() {
      return std::tuple{
          field(&RecordError::batch_index),
          field(&RecordError::batch_index_error_message),
      };
    }
  };
  struct Partition {
    std::int32_t index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::int64_t base_offset = -1;
    std::int64_t log_append_time_ms = -1;
    std::int64_t log_start_offset = -1;
    std::vector<RecordError> record_errors;
    std::optional<std::string> error_message;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::index),
          field(&Partition::error_code),
          field(&Partition::base_offset),
          field(&Partition::log_append_time_ms).since(2),
          field(&Partition::log_start_offset).since(5),
          field(&Partition::record_errors).since(8),
          field(&Partition::error_message).since(8),
      };
    }
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partition_responses;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::name),
          field(&Topic::partition_responses),
      };
    }
  };

  std::vector<Topic> responses;
  std::int32_t throttle_time_ms = 0;
  static constexpr auto fields() {
    return std::tuple{
        field(&ProduceResponse::responses),
        field(&ProduceResponse::throttle_time_ms).since(1),
    };
  }
};

}  // namespace sluice::kafka
