"""What each facet of AWS decodes to: the provider's own field names, never a null.

Field names are those of the S3 API reference as the AWS SDKs spell them. A field has a default
where the API leaves it out to say "not set"; it has none where its absence would read as "safe",
so that an answer without it becomes a ``malformed`` gap instead of a pass.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, field


class Facts(Struct, frozen=True, kw_only=True):
    """The base of every schema here; keyword-only, frozen."""


class Bucket(Facts, frozen=True, kw_only=True):
    """ListBuckets, one entry. ``Endpoint`` is empty for AWS's own, else the URL in use."""

    Name: str
    CreationDate: datetime | None = None
    BucketRegion: str = ""
    Endpoint: str = ""


class Location(Facts, frozen=True, kw_only=True):
    """GetBucketLocation; the API's null is ``us-east-1`` and its ``EU`` is ``eu-west-1``."""

    LocationConstraint: str = "us-east-1"


class CanonicalUser(Facts, frozen=True, kw_only=True):
    """Canonical user that owns a bucket."""

    ID: str = ""
    DisplayName: str = ""


class AclGrantee(Facts, frozen=True, kw_only=True):
    """CanonicalUser, AmazonCustomerByEmail or Group."""

    Type: str = ""
    URI: str = ""
    ID: str = ""
    DisplayName: str = ""
    EmailAddress: str = ""


class AclGrant(Facts, frozen=True, kw_only=True):
    """One grant of an ACL."""

    Grantee: AclGrantee
    Permission: str


class Acl(Facts, frozen=True, kw_only=True):
    """GetBucketAcl. ``Grants`` is required: an answer without it is not an empty ACL."""

    Grants: list[AclGrant]
    Owner: CanonicalUser = CanonicalUser()


class PolicyStatement(Facts, frozen=True, kw_only=True):
    """One statement of a policy, every scalar-or-list made a list, ``"*"`` made ``{"AWS": ["*"]}``.

    Condition is operator to key to values; keys are lower-cased, since IAM ignores their case.
    ``Other`` names elements that the grammar does not know.
    """

    Sid: str = ""
    Effect: str = ""
    Principal: dict[str, list[str]] = field(default_factory=dict)
    NotPrincipal: dict[str, list[str]] = field(default_factory=dict)
    Action: list[str] = field(default_factory=list)
    NotAction: list[str] = field(default_factory=list)
    Resource: list[str] = field(default_factory=list)
    NotResource: list[str] = field(default_factory=list)
    Condition: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    Other: list[str] = field(default_factory=list)


class Policy(Facts, frozen=True, kw_only=True):
    """GetBucketPolicy, parsed. ``Version`` is 2008-10-17 when the document names none."""

    Version: str = "2008-10-17"
    Id: str = ""
    Statement: list[PolicyStatement] = field(default_factory=list)


class PolicyStatus(Facts, frozen=True, kw_only=True):
    """GetBucketPolicyStatus: AWS's own word on the policy."""

    IsPublic: bool


class PublicAccessBlock(Facts, frozen=True, kw_only=True):
    """GetPublicAccessBlock of a bucket, an account or, in effect, an organization."""

    BlockPublicAcls: bool = False
    IgnorePublicAcls: bool = False
    BlockPublicPolicy: bool = False
    RestrictPublicBuckets: bool = False


class OwnershipRule(Facts, frozen=True, kw_only=True):
    """BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter."""

    ObjectOwnership: str = ""


class OwnershipControls(Facts, frozen=True, kw_only=True):
    """GetBucketOwnershipControls; no rule means a legacy bucket with live ACLs."""

    Rules: list[OwnershipRule] = field(default_factory=list)


class EncryptionDefault(Facts, frozen=True, kw_only=True):
    """The default encryption of new objects."""

    SSEAlgorithm: str = ""
    KMSMasterKeyID: str = ""


class BlockedTypes(Facts, frozen=True, kw_only=True):
    """Encryption types that uploads may not use; ``SSE-C`` or ``NONE``."""

    EncryptionType: list[str] = field(default_factory=list)


class EncryptionRule(Facts, frozen=True, kw_only=True):
    """One rule of the default encryption."""

    ApplyServerSideEncryptionByDefault: EncryptionDefault = EncryptionDefault()
    BucketKeyEnabled: bool = False
    BlockedEncryptionTypes: BlockedTypes = BlockedTypes()


class Encryption(Facts, frozen=True, kw_only=True):
    """GetBucketEncryption."""

    Rules: list[EncryptionRule] = field(default_factory=list)


class Versioning(Facts, frozen=True, kw_only=True):
    """GetBucketVersioning; both empty when never enabled."""

    Status: str = ""
    MFADelete: str = ""


class TargetGrant(Facts, frozen=True, kw_only=True):
    """Who may read the logs besides the target bucket's owner."""

    Grantee: AclGrantee = AclGrantee()
    Permission: str = ""


class LogTarget(Facts, frozen=True, kw_only=True):
    """Where server access logs go; an empty TargetBucket means nowhere."""

    TargetBucket: str = ""
    TargetPrefix: str = ""
    TargetGrants: list[TargetGrant] = field(default_factory=list)


class Logging(Facts, frozen=True, kw_only=True):
    """GetBucketLogging."""

    LoggingEnabled: LogTarget = LogTarget()


class WebsiteRedirect(Facts, frozen=True, kw_only=True):
    """Where a website request is sent."""

    HostName: str = ""
    Protocol: str = ""
    HttpRedirectCode: str = ""
    ReplaceKeyPrefixWith: str = ""
    ReplaceKeyWith: str = ""


class RoutingCondition(Facts, frozen=True, kw_only=True):
    """When a routing rule applies."""

    HttpErrorCodeReturnedEquals: str = ""
    KeyPrefixEquals: str = ""


class RoutingRule(Facts, frozen=True, kw_only=True):
    """One routing rule of a website."""

    Condition: RoutingCondition = RoutingCondition()
    Redirect: WebsiteRedirect = WebsiteRedirect()


class Index(Facts, frozen=True, kw_only=True):
    """The suffix served for a folder."""

    Suffix: str = ""


class ErrorPage(Facts, frozen=True, kw_only=True):
    """The key served for an error."""

    Key: str = ""


class Website(Facts, frozen=True, kw_only=True):
    """GetBucketWebsite; all empty when there is no website."""

    IndexDocument: Index = Index()
    ErrorDocument: ErrorPage = ErrorPage()
    RedirectAllRequestsTo: WebsiteRedirect = WebsiteRedirect()
    RoutingRules: list[RoutingRule] = field(default_factory=list)


class CorsRule(Facts, frozen=True, kw_only=True):
    """One CORS rule."""

    ID: str = ""
    AllowedOrigins: list[str] = field(default_factory=list)
    AllowedMethods: list[str] = field(default_factory=list)
    AllowedHeaders: list[str] = field(default_factory=list)
    ExposeHeaders: list[str] = field(default_factory=list)
    MaxAgeSeconds: int = 0


class Cors(Facts, frozen=True, kw_only=True):
    """GetBucketCors."""

    CORSRules: list[CorsRule] = field(default_factory=list)


class Switch(Facts, frozen=True, kw_only=True):
    """Enabled, Disabled or empty."""

    Status: str = ""


class OwnerTranslation(Facts, frozen=True, kw_only=True):
    """``Destination`` hands the replica to the destination's owner."""

    Owner: str = ""


class ReplicaEncryption(Facts, frozen=True, kw_only=True):
    """The key that replicas are encrypted with."""

    ReplicaKmsKeyID: str = ""


class ReplicationDestination(Facts, frozen=True, kw_only=True):
    """Where replicas go."""

    Bucket: str = ""
    Account: str = ""
    StorageClass: str = ""
    AccessControlTranslation: OwnerTranslation = OwnerTranslation()
    EncryptionConfiguration: ReplicaEncryption = ReplicaEncryption()
    ReplicationTime: Switch = Switch()
    Metrics: Switch = Switch()


class ReplicationRule(Facts, frozen=True, kw_only=True):
    """One replication rule."""

    ID: str = ""
    Priority: int = 0
    Prefix: str = ""
    Filter: dict[str, Any] = field(default_factory=dict)
    Status: str = ""
    Destination: ReplicationDestination = ReplicationDestination()
    DeleteMarkerReplication: Switch = Switch()
    ExistingObjectReplication: Switch = Switch()


class Replication(Facts, frozen=True, kw_only=True):
    """GetBucketReplication."""

    Role: str = ""
    Rules: list[ReplicationRule] = field(default_factory=list)


class Expiry(Facts, frozen=True, kw_only=True):
    """When current versions expire; zero days means not by age."""

    Date: datetime | None = None
    Days: int = 0
    ExpiredObjectDeleteMarker: bool = False


class OldVersionExpiry(Facts, frozen=True, kw_only=True):
    """When old versions expire."""

    NoncurrentDays: int = 0
    NewerNoncurrentVersions: int = 0


class AbortUploads(Facts, frozen=True, kw_only=True):
    """When failed uploads are cleaned up; zero means never."""

    DaysAfterInitiation: int = 0


class LifecycleRule(Facts, frozen=True, kw_only=True):
    """One lifecycle rule. An empty ``Filter`` and ``Prefix`` select every object."""

    ID: str = ""
    Status: str = ""
    Prefix: str = ""
    Filter: dict[str, Any] = field(default_factory=dict)
    Expiration: Expiry = Expiry()
    Transitions: list[dict[str, Any]] = field(default_factory=list)
    NoncurrentVersionExpiration: OldVersionExpiry = OldVersionExpiry()
    NoncurrentVersionTransitions: list[dict[str, Any]] = field(default_factory=list)
    AbortIncompleteMultipartUpload: AbortUploads = AbortUploads()


class Lifecycle(Facts, frozen=True, kw_only=True):
    """GetBucketLifecycleConfiguration."""

    Rules: list[LifecycleRule] = field(default_factory=list)


class Retention(Facts, frozen=True, kw_only=True):
    """How long new objects are locked; an empty Mode means not at all."""

    Mode: str = ""
    Days: int = 0
    Years: int = 0


class ObjectLockRule(Facts, frozen=True, kw_only=True):
    """The default rule of an object lock."""

    DefaultRetention: Retention = Retention()


class ObjectLock(Facts, frozen=True, kw_only=True):
    """GetObjectLockConfiguration; an empty ObjectLockEnabled means never enabled."""

    ObjectLockEnabled: str = ""
    Rule: ObjectLockRule = ObjectLockRule()


class TopicConfiguration(Facts, frozen=True, kw_only=True):
    """Events sent to an SNS topic."""

    Id: str = ""
    TopicArn: str = ""
    Events: list[str] = field(default_factory=list)


class QueueConfiguration(Facts, frozen=True, kw_only=True):
    """Events sent to an SQS queue."""

    Id: str = ""
    QueueArn: str = ""
    Events: list[str] = field(default_factory=list)


class LambdaFunctionConfiguration(Facts, frozen=True, kw_only=True):
    """Events sent to a Lambda function."""

    Id: str = ""
    LambdaFunctionArn: str = ""
    Events: list[str] = field(default_factory=list)


class Notification(Facts, frozen=True, kw_only=True):
    """GetBucketNotificationConfiguration. ``EventBridge`` tells whether EventBridge is on."""

    TopicConfigurations: list[TopicConfiguration] = field(default_factory=list)
    QueueConfigurations: list[QueueConfiguration] = field(default_factory=list)
    LambdaFunctionConfigurations: list[LambdaFunctionConfiguration] = field(default_factory=list)
    EventBridge: bool = False


class RequestPayment(Facts, frozen=True, kw_only=True):
    """GetBucketRequestPayment; with ``Requester`` unsigned requests are refused."""

    Payer: str = "BucketOwner"


class Tag(Facts, frozen=True, kw_only=True):
    """One tag; both parts are untrusted text."""

    Key: str = ""
    Value: str = ""


class Tagging(Facts, frozen=True, kw_only=True):
    """GetBucketTagging."""

    TagSet: list[Tag] = field(default_factory=list)


class Accelerate(Facts, frozen=True, kw_only=True):
    """GetBucketAccelerateConfiguration; empty when never enabled."""

    Status: str = ""


class InventoryBucket(Facts, frozen=True, kw_only=True):
    """Where an inventory is delivered and how it is encrypted there."""

    AccountId: str = ""
    Bucket: str = ""
    Format: str = ""
    Prefix: str = ""


class InventoryDestination(Facts, frozen=True, kw_only=True):
    """The wrapper of the API around the destination bucket."""

    S3BucketDestination: InventoryBucket = InventoryBucket()


class InventoryConfiguration(Facts, frozen=True, kw_only=True):
    """One inventory."""

    Id: str = ""
    IsEnabled: bool = False
    IncludedObjectVersions: str = ""
    Destination: InventoryDestination = InventoryDestination()
    OptionalFields: list[str] = field(default_factory=list)


class Inventory(Facts, frozen=True, kw_only=True):
    """ListBucketInventoryConfigurations, every page."""

    InventoryConfigurationList: list[InventoryConfiguration] = field(default_factory=list)


class Identified(Facts, frozen=True, kw_only=True):
    """A configuration of which only its id matters here."""

    Id: str = ""


class Metrics(Facts, frozen=True, kw_only=True):
    """ListBucketMetricsConfigurations, every page."""

    MetricsConfigurationList: list[Identified] = field(default_factory=list)


class Analytics(Facts, frozen=True, kw_only=True):
    """ListBucketAnalyticsConfigurations, every page."""

    AnalyticsConfigurationList: list[Identified] = field(default_factory=list)


class IntelligentTiering(Facts, frozen=True, kw_only=True):
    """ListBucketIntelligentTieringConfigurations, every page."""

    IntelligentTieringConfigurationList: list[Identified] = field(default_factory=list)
