/** The framework's own messages. */
export * from "../gen/funinthecloud/protosource/apierror/v1/apierror_v1_pb.js";
export * from "../gen/funinthecloud/protosource/history/v1/history_v1_pb.js";
export * from "../gen/funinthecloud/protosource/opaquedata/v1/opaquedata_v1_pb.js";
export {
  file_funinthecloud_protosource_record_v1_record_v1,
  type Record as StoredRecord,
  RecordSchema as StoredRecordSchema,
} from "../gen/funinthecloud/protosource/record/v1/record_v1_pb.js";
export * from "../gen/funinthecloud/protosource/response/v1/response_v1_pb.js";
export * from "../gen/protosource_es/meta/v1/meta_v1_pb.js";
