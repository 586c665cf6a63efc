import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PROJECT_DIR } from './planted-bug.js';

/**
 * A copy of this tree, including its build, in which bugs are planted. Installed packages are linked; our own packages
 * are the copy's.
 */
export class Tree {
  private constructor(readonly dir: string) {}

  static copy(): Tree {
    const tree = new Tree(mkdtempSync(path.join(os.tmpdir(), 'eco-planted-')));
    try {
      tree.#fill();
      return tree;
    } catch (error) {
      tree.remove();
      throw error;
    }
  }

  plant(patch: string): void {
    this.#git('apply', patch);
  }

  pullOut(patch: string): void {
    this.#git('apply', '--reverse', patch);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #fill(): void {
    const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const files = execFileSync('git', listed, { cwd: PROJECT_DIR, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    for (const file of files.split('\0').filter((each) => each !== '' && existsSync(path.join(PROJECT_DIR, each)))) {
      mkdirSync(path.dirname(path.join(this.dir, file)), { recursive: true });
      // The copy keeps the files' times, so that the build stays newer than its sources.
      cpSync(path.join(PROJECT_DIR, file), path.join(this.dir, file), { preserveTimestamps: true });
    }
    for (const kind of ['apps', 'infra', 'libs', 'tools']) {
      for (const project of readdirSync(path.join(this.dir, kind))) {
        const built = path.join(PROJECT_DIR, kind, project, 'dist');
        if (existsSync(built)) {
          cpSync(built, path.join(this.dir, kind, project, 'dist'), { recursive: true, preserveTimestamps: true });
        }
      }
    }
    this.#link();
  }

  #link(): void {
    const installed = path.join(PROJECT_DIR, 'node_modules');
    const modules = path.join(this.dir, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(installed).filter((each) => each !== '@eco')) {
      symlinkSync(path.join(installed, name), path.join(modules, name));
    }
    // Their links are relative, so they lead into the copy.
    cpSync(path.join(installed, '@eco'), path.join(modules, '@eco'), { recursive: true, verbatimSymlinks: true });
  }

  // Outside of a repository git only applies the patch. In a repository around the copy it would search for the files
  // there.
  #git(...args: string[]): void {
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: path.dirname(this.dir) };
    execFileSync('git', args, { cwd: this.dir, env, stdio: ['ignore', 'ignore', 'inherit'] });
  }
}
