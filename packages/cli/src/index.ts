/** What `import … from "constellation"` gives: the SDK. */
export * from "@constellation/sdk";
