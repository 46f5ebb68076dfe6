// Runs an exported SavedModel by the C API of TensorFlow, without Python: serve FOLDER THREADS REPEATS.
//
// Standard input describes the tensors, then the requests. All numbers are decimal and end with a line break; a string is
// its number of bytes, a line break, and the bytes.
//
//   inputs:   how many, and for each its name in the graph and its type: s (string), i (int32), l (int64), f (float32)
//   outputs:  how many, and for each its name in the graph
//   requests: how many, and for each request, for each input: number of values (-1: one, a scalar), and the values
//
// Each thread answers every THREADS-th request, REPEATS times over. Standard output has for each request, for each
// output: its type, number of dimensions, dimensions and values, in the same notation; "error", a code and a message for
// a request that fails.

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

extern void _ZN10tensorflow21DisableXlaCompilationEv(void);  // what TensorFlow Serving calls at its start

enum { MOST = 16 };  // inputs or outputs

typedef struct {
  TF_Tensor* inputs[MOST];
  TF_Tensor* outputs[MOST];
  int code;
  char message[512];
} Request;

static TF_Session* session;
static TF_Output input_ops[MOST], output_ops[MOST];
static char input_types[MOST];
static int input_count, output_count, request_count, thread_count, repeats;
static Request* requests;

static void fail(const char* message) {
  fprintf(stderr, "%s\n", message);
  exit(1);
}

static long read_number(void) {
  long number;
  if (scanf("%ld", &number) != 1 || getchar() != '\n') fail("expected a number");
  return number;
}

static char* read_string(size_t* size) {
  *size = read_number();
  char* bytes = malloc(*size + 1);
  if (fread(bytes, 1, *size, stdin) != *size) fail("expected more bytes");
  bytes[*size] = 0;
  return bytes;
}

static double read_real(void) {
  double number;
  if (scanf("%lf", &number) != 1 || getchar() != '\n') fail("expected a real number");
  return number;
}

// "name:0" of a graph as an output of its operation.
static TF_Output read_tensor_name(TF_Graph* graph) {
  size_t size;
  char* name = read_string(&size);
  char* colon = strrchr(name, ':');
  TF_Output output = {NULL, 0};
  if (colon) {
    *colon = 0;
    output.index = atoi(colon + 1);
  }
  output.oper = TF_GraphOperationByName(graph, name);
  if (!output.oper) fail(name);
  free(name);
  return output;
}

static TF_Tensor* read_values(char type) {
  int64_t count = read_number();
  int64_t scalar = count < 0;  // -1: one value without a dimension
  int64_t size = scalar ? 1 : count;
  TF_DataType types[256] = {['s'] = TF_STRING, ['i'] = TF_INT32, ['l'] = TF_INT64, ['f'] = TF_FLOAT};
  TF_DataType data_type = types[(unsigned char)type];
  TF_Tensor* tensor =
      TF_AllocateTensor(data_type, &count, scalar ? 0 : 1, size * (type == 's' ? sizeof(TF_TString) : TF_DataTypeSize(data_type)));
  void* data = TF_TensorData(tensor);
  for (int64_t i = 0; i < size; i++) {
    if (type == 's') {
      size_t bytes;
      char* text = read_string(&bytes);
      TF_TString* target = (TF_TString*)data + i;
      TF_StringInit(target);
      TF_StringCopy(target, text, bytes);
      free(text);
    } else if (type == 'i') {
      ((int32_t*)data)[i] = read_number();
    } else if (type == 'l') {
      ((int64_t*)data)[i] = read_number();
    } else {
      ((float*)data)[i] = read_real();
    }
  }
  return tensor;
}

static void answer(Request* request) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor* outputs[MOST] = {0};
  TF_SessionRun(session, NULL, input_ops, request->inputs, input_count, output_ops, outputs, output_count, NULL, 0, NULL,
                status);
  request->code = TF_GetCode(status);
  snprintf(request->message, sizeof request->message, "%s", TF_Message(status));
  for (int i = 0; i < output_count; i++) {
    if (request->outputs[i]) TF_DeleteTensor(request->outputs[i]);
    request->outputs[i] = outputs[i];
  }
  TF_DeleteStatus(status);
}

static void* work(void* argument) {
  for (int repeat = 0; repeat < repeats; repeat++)
    for (int i = (int)(intptr_t)argument; i < request_count; i += thread_count) answer(&requests[i]);
  return NULL;
}

static void print_tensor(TF_Tensor* tensor) {
  int64_t count = TF_TensorElementCount(tensor);
  TF_DataType type = TF_TensorType(tensor);
  printf("%s\n%d\n", type == TF_STRING ? "s" : type == TF_BOOL ? "b" : type == TF_FLOAT ? "f" : "i", TF_NumDims(tensor));
  for (int i = 0; i < TF_NumDims(tensor); i++) printf("%" PRId64 "\n", TF_Dim(tensor, i));
  void* data = TF_TensorData(tensor);
  for (int64_t i = 0; i < count; i++) {
    if (type == TF_STRING) {
      const TF_TString* text = (TF_TString*)data + i;
      printf("%zu\n", TF_StringGetSize(text));
      fwrite(TF_StringGetDataPointer(text), 1, TF_StringGetSize(text), stdout);
    } else if (type == TF_FLOAT) {
      printf("%.9g\n", ((float*)data)[i]);
    } else if (type == TF_BOOL) {
      printf("%d\n", ((unsigned char*)data)[i]);
    } else if (type == TF_INT64) {
      printf("%" PRId64 "\n", ((int64_t*)data)[i]);
    } else {
      printf("%d\n", ((int32_t*)data)[i]);
    }
  }
}

int main(int argument_count, char** arguments) {
  if (argument_count != 4) fail("usage: serve FOLDER THREADS REPEATS");
  thread_count = atoi(arguments[2]), repeats = atoi(arguments[3]);
  _ZN10tensorflow21DisableXlaCompilationEv();
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  session = TF_LoadSessionFromSavedModel(options, NULL, arguments[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));

  input_count = read_number();
  for (int i = 0; i < input_count; i++) {
    input_ops[i] = read_tensor_name(graph);
    size_t size;
    char* type = read_string(&size);
    input_types[i] = type[0];
    free(type);
  }
  output_count = read_number();
  for (int i = 0; i < output_count; i++) output_ops[i] = read_tensor_name(graph);
  request_count = read_number();
  requests = calloc(request_count, sizeof(Request));
  for (int i = 0; i < request_count; i++)
    for (int j = 0; j < input_count; j++) requests[i].inputs[j] = read_values(input_types[j]);

  pthread_t threads[thread_count];
  for (int i = 0; i < thread_count; i++) pthread_create(&threads[i], NULL, work, (void*)(intptr_t)i);
  for (int i = 0; i < thread_count; i++) pthread_join(threads[i], NULL);

  for (int i = 0; i < request_count; i++) {
    if (requests[i].code != TF_OK) {
      printf("error\n%d\n%zu\n%s", requests[i].code, strlen(requests[i].message), requests[i].message);
      continue;
    }
    for (int j = 0; j < output_count; j++) print_tensor(requests[i].outputs[j]);
  }
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteGraph(graph);
  TF_DeleteSessionOptions(options);
  TF_DeleteStatus(status);
  return 0;
}
