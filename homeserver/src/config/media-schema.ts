/** The settings about files: a part of `schema.ts`. */
import { SIZE } from "./sizes.ts";

const DAYS = "^([1-9]\\d{0,4}d|none)$";

export const mediaSettings = {
  media_s3_bucket: {
    type: "string",
    description:
      "A bucket of S3, or of what speaks like it (MinIO, Ceph, Garage), that keeps the files instead of data_dir. Several replicas need no folder in common then.",
    pattern: "^[a-z0-9][a-z0-9._-]{1,62}$",
    "x-mend": "the name of a bucket that exists, such as weft-media",
  },
  media_s3_endpoint: {
    type: "string",
    description: "The address of the service, without the bucket. When left out it is Amazon's.",
    pattern: "^https?://[^\\s/?#@]+(/[^\\s?#]*)?$",
    "x-mend": "an http or https address, such as https://s3.example.org",
  },
  media_s3_region: {
    type: "string",
    description: "The region of the bucket, by the name that the service calls it.",
    default: "us-east-1",
    pattern: "^[A-Za-z0-9_-]{1,64}$",
    "x-mend": "a name such as eu-central-1 or garage",
  },
  media_s3_prefix: {
    type: "string",
    description: "What the names of this server's files in the bucket begin with, such as weft/.",
    pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$",
    "x-mend": "letters, digits and slashes, such as weft/",
  },
  media_s3_path_style: {
    type: "boolean",
    description:
      "Whether the bucket stands in the path of addresses, as most services want it, or in the name of the host.",
    default: true,
    "x-mend": "true or false",
  },
  media_s3_access_key_id: {
    type: "string",
    description: "By which name the service knows this server; needs media_s3_secret_access_key.",
    minLength: 1,
    "x-mend": "the id of an access key",
  },
  media_s3_secret_access_key: {
    type: "string",
    description: "The secret of that access key.",
    minLength: 1,
    "x-mend": "the secret of the access key",
  },
  media_s3_credentials_file: {
    type: "string",
    description:
      "A file that holds the access key instead: lines aws_access_key_id = …, aws_secret_access_key = … and perhaps aws_session_token = …. It is read again when it changes.",
    minLength: 1,
    "x-mend": "the path of a readable file with aws_access_key_id and aws_secret_access_key",
  },
  media_cache_limit: {
    type: "string",
    description:
      "How much the copies of other servers' files, and images of previews, may take in all. What nobody has asked for longest goes first; it is fetched again when it is asked for.",
    default: "20GiB",
    pattern: SIZE,
    "x-mend": "a size such as 5GiB, or none for no limit",
  },
  media_cache_lifetime: {
    type: "string",
    description: "How long such a copy is kept that nobody asks for.",
    default: "none",
    pattern: DAYS,
    "x-mend": "days such as 90d, or none",
  },
  media_unused_lifetime: {
    type: "string",
    description:
      "How long an upload is kept that nobody can reach any more: no event, profile or account data names it, and nobody has downloaded it in that time. What encrypted messages may name stays.",
    default: "none",
    pattern: DAYS,
    "x-mend": "days such as 30d, or none to keep everything",
  },
  media_encrypted_lifetime: {
    type: "string",
    description:
      "How long uploads are kept that only encrypted messages may name, which the server can't read, and that nobody has downloaded in that time. They may still be wanted. Needs media_unused_lifetime.",
    default: "none",
    pattern: DAYS,
    "x-mend": "days such as 365d, or none to keep them",
  },
} as const;
