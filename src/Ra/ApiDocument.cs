using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using ZwCa.Contracts.Ra;
using ZwCa.OfficersApi;

namespace ZwCa.Ra;

/// <summary>The OpenAPI document of an RA: <c>GET /openapi/v1.json</c>, for every registered client. Clients of other languages are made from it: an operation's id never changes. docs/API.md is its text.</summary>
internal static class ApiDocument
{
    private const string AddEvidence = "addEvidence";
    private const string GetEvidence = "getEvidence";
    private const string PutFile = "putBatchFile";
    private const string GetRejects = "getBatchRejects";
    private const string CsvType = "text/csv";

    private static readonly string[] EvidenceTypes = ["application/pdf", "image/png", "image/jpeg"];

    private static readonly (string Tag, string Description)[] Tags =
    [
        ("subscribers", "Of whom certificates are: persons, organisations, devices."),
        ("enrollments", "Applications on their way from the clerk's desk to the certificate."),
        ("batches", "Many applications at once: from a file of applicants, of what expires soon, of all that an organisation has."),
        ("evidence", "Files that prove what is applied for."),
        ("delivery", "Handing out what was issued, to the token that has the signing key."),
        ("certificates", "What this RA had issued."),
        ("profiles", "What can be applied for."),
        ("directory", "Officers and regions, as the CA has them."),
        ("commands", "Officers' commands to the CA, passed on."),
        ("tracking", "For applicants, on a listener of its own."),
    ];

    private static readonly Dictionary<string, Operation> Operations = new()
    {
        ["POST /subscribers"] = new("subscribers", "registerSubscriber", "Registers a subscriber; one who is there already is answered as he is."),
        ["GET /subscribers"] = new("subscribers", "listSubscribers", "A page of the subscribers of the officer's region and below."),
        ["POST /subscribers/search"] = new("subscribers", "findSubscriber", "The subscriber with that number."),
        ["GET /subscribers/{id}"] = new("subscribers", "getSubscriber", "A subscriber, a person masked."),
        ["PUT /subscribers/{id}"] = new("subscribers", "changeSubscriber", "Changes name, region or organisation, as the version was shown."),
        ["POST /enrollments"] = new("enrollments", "createEnrollment", "Takes an application in as a draft."),
        ["GET /enrollments"] = new("enrollments", "listEnrollments", "A page of the enrollments of the officer's region and below."),
        ["GET /enrollments/{id}"] = new("enrollments", "getEnrollment", "An enrollment with its evidence, its steps and what came of it."),
        ["PUT /enrollments/{id}"] = new("enrollments", "changeEnrollment", "Changes a draft, or what was returned."),
        ["GET /enrollments/{id}/application"] = new("enrollments", "getApplication", "The bytes that officers sign."),
        ["POST /enrollments/{id}/submission"] = new("enrollments", "submitEnrollment", "Enters it: the clerk's signed approval."),
        ["POST /enrollments/{id}/review"] = new("enrollments", "reviewEnrollment", "Another officer approves, returns or rejects it."),
        ["POST /enrollments/{id}/cancellation"] = new("enrollments", "cancelEnrollment", "Gives up what nobody has finally approved."),
        ["POST /enrollments/{id}/archiving"] = new("enrollments", "archiveEnrollment", "Puts away what is done."),
        ["PUT /enrollments/{id}/csr"] = new("enrollments", "setEnrollmentKey", "Takes the token's key of an application that was taken in without one."),
        ["POST /batches"] = new("batches", "openBatch", "Opens a batch. An import waits for its file; the others begin to make drafts."),
        ["GET /batches"] = new("batches", "listBatches", "A page of the batches of a region and below, the latest first."),
        ["GET /batches/{id}"] = new("batches", "getBatch", "A batch, with how far the work on it is."),
        ["PUT /batches/{id}/file"] = new("batches", PutFile, "The file of an import, which is the body: a dry run begins."),
        ["POST /batches/{id}/checking"] = new("batches", "checkBatch", "A dry run over the file once more."),
        ["POST /batches/{id}/making"] = new("batches", "makeBatch", "Has drafts made of the rows that the dry run found good."),
        ["GET /batches/{id}/applications"] = new("batches", "listBatchApplications", "A page of what can be signed of it now, for entry or for review."),
        ["POST /batches/{id}/submission"] = new("batches", "submitBatch", "One signature over many applications: what it covers of the batch is submitted."),
        ["POST /batches/{id}/review"] = new("batches", "reviewBatch", "One signature over many applications: what it covers of the batch is approved."),
        ["POST /batches/{id}/cancellation"] = new("batches", "cancelBatch", "Gives up what of it nobody has finally approved."),
        ["GET /batches/{id}/rows"] = new("batches", "listBatchRows", "A page of its rows that have an enrollment, or that a task refused."),
        ["GET /batches/{id}/rejects"] = new("batches", GetRejects, "The rows of the file that were refused, with the reasons, as a file like it."),
        ["POST /enrollments/{id}/evidence"] = new("evidence", AddEvidence, "Adds a piece of evidence: the file is the body."),
        ["GET /enrollments/{id}/evidence/{hash}"] = new("evidence", GetEvidence, "The file, by the SM3 of its bytes."),
        ["DELETE /enrollments/{id}/evidence/{hash}"] = new("evidence", "removeEvidence", "Takes a piece of evidence away."),
        ["POST /enrollments/{id}/delivery/challenge"] = new("delivery", "challengeDelivery", "What the token has to sign to get what was issued."),
        ["POST /enrollments/{id}/delivery"] = new("delivery", "fetchDelivery", "What was issued, for the token's answer to the challenge."),
        ["POST /enrollments/{id}/receipt"] = new("delivery", "receiveDelivery", "The token's receipt, which ends the delivery."),
        ["GET /certificates"] = new("certificates", "listCertificates", "All certificates of a subscriber."),
        ["GET /certificates/{issuer}/{serial}"] = new("certificates", "getCertificate", "A certificate that this RA had issued."),
        ["GET /profiles"] = new("profiles", "listProfiles", "What can be applied for, and who reviews it."),
        ["GET /officers"] = new("directory", "listOfficers", "A page of the officers of a region and below, masked."),
        ["GET /regions"] = new("directory", "listRegions", "The regions that there are."),
        ["POST /commands"] = new("commands", "proposeCommand", "Passes a proposal on to the CA, where another officer decides about it."),
        ["GET /commands"] = new("commands", "listCommands", "A page of commands as the CA shows them."),
        ["GET /commands/{id}"] = new("commands", "getCommand", "A command as the CA shows it."),
    };

    public static void AddApiDocument(this IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.Describe("政务CA (ZWCA): RA", "A province's RA: applications taken in, decided by officers, and handed out.");
        options.AddOperationTransformer(static (operation, context, _) =>
        {
            if (Operations.GetValueOrDefault($"{context.Description.HttpMethod} /{context.Description.RelativePath?.TrimEnd('/')}") is { } known)
            {
                known.Describe(operation, context.Document);
            }

            return Task.CompletedTask;
        });
        options.AddDocumentTransformer(static async (document, context, cancellationToken) =>
        {
            document.Tags = new HashSet<OpenApiTag>([.. Tags.Select(tag => new OpenApiTag { Name = tag.Tag, Description = tag.Description })]);
            await AddTrackingAsync(document, context, cancellationToken);
        });
    });

    public static void MapApiDocument(this WebApplication app) => app.MapOpenApi(ApiDescription.Path);

    /// <summary>No route of the links has it: applicants have no certificates, and their listener has nothing else.</summary>
    private static async Task AddTrackingAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        IOpenApiSchema answer = await context.GetOrCreateSchemaAsync(typeof(TrackingAnswer), cancellationToken: cancellationToken);
        document.AddComponent(nameof(TrackingAnswer), answer);
        var operation = new OpenApiOperation
        {
            Parameters = [new OpenApiParameter { Name = "number", In = ParameterLocation.Path, Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String } }],
            Responses = new OpenApiResponses
            {
                ["200"] = new OpenApiResponse
                {
                    Description = "OK",
                    Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = new OpenApiSchemaReference(nameof(TrackingAnswer), document) } },
                },
                ["default"] = ApiDescription.Refused(document),
            },
        };
        new Operation("tracking", "track", "What has become of an application, for whoever knows its number: no link, no signature, no names.").Describe(operation, document);
        document.Paths["/tracking/{number}"] = new OpenApiPathItem
        {
            Servers = [new OpenApiServer { Url = "http://localhost", Description = "Ra:TrackingListen, behind the province's gateway." }],
            Operations = new Dictionary<HttpMethod, OpenApiOperation> { [HttpMethod.Get] = operation },
        };
    }

    private sealed record Operation(string Tag, string Id, string Summary)
    {
        public void Describe(OpenApiOperation operation, OpenApiDocument? document)
        {
            operation.OperationId = Id;
            operation.Summary = Summary;
            operation.Tags = new HashSet<OpenApiTagReference>([new OpenApiTagReference(Tag, document)]);

            // What the endpoint reads and writes as bytes, its parameters do not say.
            if (Id == AddEvidence)
            {
                operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Files(EvidenceTypes) };
            }
            else if (Id == GetEvidence)
            {
                operation.Responses!["200"] = new OpenApiResponse { Description = "The file.", Content = Files(EvidenceTypes) };
            }
            else if (Id == PutFile)
            {
                operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Files(CsvType) };
            }
            else if (Id == GetRejects)
            {
                operation.Responses!["200"] = new OpenApiResponse { Description = "The file.", Content = Files(CsvType) };
            }
        }

        private static Dictionary<string, OpenApiMediaType> Files(params IEnumerable<string> types) => types.ToDictionary(
            type => type, _ => new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } });
    }
}
