import { type DescFile, type DescMessage, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "@quartet/contracts/google/rpc/error_details";
import type { ServerReflection, ServerReflectionRequest } from "@quartet/contracts/grpc/reflection/v1/reflection";
import type { Handler } from "./handler.ts";

export interface ReflectionService {
  /** Serves v1 and, since the messages are the same, v1alpha. */
  readonly handlers: { readonly serverReflectionInfo: Handler<typeof ServerReflection.method.serverReflectionInfo> };
  /** Shows one more service, with all that its messages are made of. */
  add(service: DescService): void;
}

/** What a question may name: files, and symbols and extensions with the file that declares them. */
interface Index {
  readonly files: Map<string, DescFile>;
  readonly symbols: Map<string, DescFile>;
  readonly extensions: Map<string, Map<number, DescFile>>;
}

type Question = ServerReflectionRequest["messageRequest"];

/** grpc.reflection: what grpcurl and the like ask before they call. It answers from the descriptors that the handlers are typed by. */
export function createReflectionService(): ReflectionService {
  const services = new Set<string>();
  const index: Index = { files: new Map(), symbols: new Map(), extensions: new Map() };
  // No service names them, but every error carries them.
  addFile(index, file_google_rpc_error_details);
  return {
    add(service) {
      services.add(service.typeName);
      addFile(index, service.file);
    },
    handlers: {
      async *serverReflectionInfo(requests) {
        for await (const { host, messageRequest } of requests) {
          const messageResponse = answer(index, services, messageRequest);
          yield { validHost: host, originalRequest: { host, messageRequest }, messageResponse };
        }
      },
    },
  };
}

function answer(index: Index, services: ReadonlySet<string>, question: Question) {
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: [...services].map((name) => ({ name })) } } as const;
    case "fileByFilename":
      return files(index.files.get(question.value));
    case "fileContainingSymbol":
      return files(index.symbols.get(question.value));
    case "fileContainingExtension":
      return files(index.extensions.get(question.value.containingType)?.get(question.value.extensionNumber));
    case "allExtensionNumbersOfType": {
      const extensionNumber = [...(index.extensions.get(question.value)?.keys() ?? [])];
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber } } as const;
    }
    case undefined:
      return refusal(Code.InvalidArgument, "Ask something.");
  }
}

function refusal(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse", value: { errorCode, errorMessage } } as const;
}

/** The file and everything it imports, each once. */
function files(file: DescFile | undefined) {
  if (file === undefined) return refusal(Code.NotFound, "Not found.");
  const all = new Set<DescFile>();
  const collect = (next: DescFile) => {
    if (all.has(next)) return;
    all.add(next);
    next.dependencies.forEach(collect);
  };
  collect(file);
  const fileDescriptorProto = [...all].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } } as const;
}

function addFile(index: Index, file: DescFile): void {
  const name = `${file.name}.proto`;
  if (index.files.has(name)) return;
  index.files.set(name, file);
  const declare = ({ typeName }: { readonly typeName: string }) => index.symbols.set(typeName, file);
  const addExtension = ({ extendee, number }: DescFile["extensions"][number]) => {
    const numbers = index.extensions.get(extendee.typeName) ?? new Map<number, DescFile>();
    index.extensions.set(extendee.typeName, numbers.set(number, file));
  };
  const addMessage = (message: DescMessage) => {
    declare(message);
    message.nestedEnums.forEach(declare);
    message.nestedExtensions.forEach(addExtension);
    message.nestedMessages.forEach(addMessage);
  };
  file.messages.forEach(addMessage);
  file.enums.forEach(declare);
  file.extensions.forEach(addExtension);
  for (const service of file.services) {
    declare(service);
    for (const { name: method } of service.methods) index.symbols.set(`${service.typeName}.${method}`, file);
  }
  file.dependencies.forEach((dependency) => addFile(index, dependency));
}
