"""PredictionService of TensorFlow Serving over gRPC: Predict, Classify, Regress, MultiInference, GetModelMetadata."""

from __future__ import annotations

from typing import Any

from zoo.serving.grpc.example_signatures import classify, infer_tasks, regress
from zoo.serving.grpc.model_spec import lease, require_spec, signature_name, write_spec
from zoo.serving.grpc.predict_inputs import check_outputs, read_inputs
from zoo.serving.grpc.rpc_handlers import RpcHandlers
from zoo.serving.grpc.tensor_protos import write_tensor
from zoo.serving.grpc.tensorflow_serving_messages import PACKAGE, messages
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError

NAME = f"{PACKAGE}.PredictionService"
SIGNATURES = "signature_def"  # the only field of metadata


class PredictionService:
    """The methods of PredictionService.

    Args:
        service: the models.
        max_bytes: that an input may take in memory.
    """

    def __init__(self, service: Service, max_bytes: int):
        self.service, self.max_bytes = service, max_bytes

    def handler(self, token: str) -> Any:
        """The handler of all methods, as grpc's server takes it."""
        requests, handlers = messages(), RpcHandlers(self.service, NAME, token)
        handlers.add("Predict", self.predict, requests.PredictRequest)
        handlers.add("Classify", self.classify, requests.ClassificationRequest)
        handlers.add("Regress", self.regress, requests.RegressionRequest)
        handlers.add("MultiInference", self.multi_inference, requests.MultiInferenceRequest)
        handlers.add("GetModelMetadata", self.get_model_metadata, requests.GetModelMetadataRequest)
        return handlers.generic_handler()

    async def predict(self, request: Any) -> Any:
        """The PredictResponse to a PredictRequest: the outputs of a signature, or those that `output_filter` names."""
        spec = require_spec(request)
        with lease(self.service, spec) as model:
            name = signature_name(spec)
            if name not in model.signatures:
                raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
            signature = model.signatures[name]
            inputs = read_inputs(request.inputs, signature, model.signature_protos[name].defaults, self.max_bytes)
            outputs = check_outputs(request.output_filter, signature)
            arrays = await self.service.run(model, name, inputs)
            response = messages().PredictResponse()
            write_spec(response, model, name)
        for output in outputs:
            write_tensor(arrays[output], response.outputs[output])
        return response

    async def classify(self, request: Any) -> Any:
        """The ClassificationResponse of a signature of the method classify."""
        return await self._infer(request, messages().ClassificationResponse(), classify)

    async def regress(self, request: Any) -> Any:
        """The RegressionResponse of a signature of the method regress."""
        return await self._infer(request, messages().RegressionResponse(), regress)

    async def _infer(self, request, response, infer):
        """The response with the result of a signature of a method on examples."""
        spec = require_spec(request)
        with lease(self.service, spec) as model:
            response.result.CopyFrom(await infer(self.service, model, signature_name(spec), request.input))
            write_spec(response, model, signature_name(spec))
        return response

    async def multi_inference(self, request: Any) -> Any:
        """The MultiInferenceResponse: several signatures of the methods classify and regress on the same examples."""
        spec = request.tasks[0].model_spec if request.tasks else messages().ModelSpec()
        with lease(self.service, spec) as model:
            return await infer_tasks(self.service, model, request)

    async def get_model_metadata(self, request: Any) -> Any:
        """The GetModelMetadataResponse with the signatures of a model."""
        spec = require_spec(request)
        if not request.metadata_field:
            message = "GetModelMetadataRequest must specify at least one metadata_field"
            raise ServingError(Code.INVALID_ARGUMENT, message)
        for name in request.metadata_field:
            if name != SIGNATURES:
                raise ServingError(Code.INVALID_ARGUMENT, f"Metadata field {name} is not supported")
        response, signatures = messages().GetModelMetadataResponse(), messages().SignatureDefMap()
        with lease(self.service, spec) as model:
            for name, proto in model.signature_protos.items():
                signatures.signature_def[name].ParseFromString(proto.SerializeToString())
            write_spec(response, model)
        response.metadata[SIGNATURES].Pack(signatures)
        return response
