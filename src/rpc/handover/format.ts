/** A configuration as it lies in its folder. */
export interface LoadedConfiguration<Content> {
  readonly version: number;
  readonly content: Content;
  /** Names of its files. */
  readonly files: readonly string[];
}

export interface ConfigurationFile {
  readonly name: string;
  readonly text: string;
}

/** How a component's configuration is written down: the agreement of agent and component. */
export interface ConfigurationFormat<Content> {
  /** Equal for equal content, whatever its version. */
  fingerprint(content: Content): string;
  /** The files of a version, in the order of writing: the last one makes it the version in force. */
  render(
    content: Content,
    version: number,
    previous: LoadedConfiguration<Content> | undefined,
  ): readonly ConfigurationFile[];
  /**
   * Reads the version in force and checks everything: schema, checksums, and that it makes sense as a whole.
   * @throws ConfigurationError naming the bad element
   */
  load(read: (name: string) => Promise<string>): Promise<LoadedConfiguration<Content>>;
  /** Whether a file of this name belongs to some version. */
  isOurs(name: string): boolean;
}
