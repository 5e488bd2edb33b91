// The types of @connectrpc/connect name it, and those of Node 20 don't declare it.
type HeadersInit = ConstructorParameters<typeof Headers>[0];
