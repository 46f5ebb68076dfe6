"""gRPC: PredictionService and ModelService of TensorFlow Serving, the Open Inference Protocol, health checking.

message_types.py                message classes from descriptors in a private pool
tensorflow_serving_messages.py  the messages of TensorFlow Serving
open_inference_messages.py      the messages of the Open Inference Protocol
tensor_protos.py                TensorProto to arrays and back
rpc_handlers.py                 authentication, deadlines and status codes around every method
model_spec.py                   which model, version and signature a request is for
predict_inputs.py               the inputs and outputs of Predict
example_signatures.py           Classify, Regress and MultiInference
prediction_service.py           PredictionService
model_service.py                ModelService
infer_messages.py               the tensors of ModelInfer
open_inference_service.py       GRPCInferenceService
health_service.py               grpc.health.v1
grpc_server.py                  `GrpcServer`: all of them on one port
"""
