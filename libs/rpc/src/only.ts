/** A stream of one value, which is made when it is asked for. With all three ways to go on, as Connect's transports want them. */
export function only<T>(make: () => T): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let isOver = false;
      return {
        next: async () => {
          if (isOver) return { done: true, value: undefined };
          isOver = true;
          return { done: false, value: make() };
        },
        return: async () => {
          isOver = true;
          return { done: true, value: undefined };
        },
        throw: async (error: unknown) => {
          isOver = true;
          throw error;
        },
      };
    },
  };
}
