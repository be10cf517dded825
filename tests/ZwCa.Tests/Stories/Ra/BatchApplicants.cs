using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>A row of <see cref="BatchApplicants"/>.</summary>
/// <param name="Text">CSV.</param>
/// <param name="Key">Null: the row is none to make an application of.</param>
/// <param name="HasCsr">Whether the file has the key's request, or it comes afterwards.</param>
/// <param name="IsPair">Whether it gets two certificates.</param>
internal sealed record ApplicantOfBatch(string Text, Sm2PrivateKey? Key, bool HasCsr, bool IsPair);

/// <summary>Who stands in the file of a batch: an organisation, who works there, its servers; and, between them, rows that are wrong.</summary>
internal sealed class BatchApplicants : IDisposable
{
    private const int Servers = 4;
    private const int WrongEvery = 9;

    private readonly List<ApplicantOfBatch> _rows = [];

    public BatchApplicants(int persons)
    {
        string code = RaCounter.NewCreditCode();
        int first = RandomNumberGenerator.GetInt32(1_000_000, 2_000_000);
        Add(ApplicantText.Organization(code));
        for (int i = 0; i < persons; i++)
        {
            var key = Sm2PrivateKey.Generate();
            bool hasCsr = i % 3 == 0;
            string csr = hasCsr ? Convert.ToBase64String(CaScene.Csr(key)) : "";
            _rows.Add(new ApplicantOfBatch(ApplicantText.Person(first + i, organization: code, csr: csr), key, hasCsr, IsPair: true));
            if (i % WrongEvery == 0)
            {
                // Beyond what the profile allows, or the one before it once more.
                _rows.Add(new ApplicantOfBatch(
                    i % 2 == 0 ? ApplicantText.Person(first + persons + i, organization: code, days: "9999") : ApplicantText.Person(first + i, organization: code), null, HasCsr: false, IsPair: true));
            }
        }

        for (int i = 0; i < Servers; i++)
        {
            string host = $"{Guid.NewGuid():N}.example.gov.cn";
            Add($"设备,门户网站,{host},350100,{code},,服务器证书,90,DNS:{host},赵办事,{ApplicantText.Number(900_001)},", isPair: false);
        }

        void Add(string text, bool isPair = true) => _rows.Add(new ApplicantOfBatch(text, Sm2PrivateKey.Generate(), HasCsr: false, isPair));
    }

    public byte[] File => ApplicantText.File(_rows.Select(row => row.Text));

    public int Count => _rows.Count;

    /// <summary>By their rows, from 1 on.</summary>
    public IReadOnlyDictionary<long, ApplicantOfBatch> Good => _rows.Select((row, i) => (Row: (long)i + 1, Applicant: row)).Where(each => each.Applicant.Key is not null).ToDictionary(each => each.Row, each => each.Applicant);

    /// <summary>Rows.</summary>
    public IReadOnlyList<long> Wrong => [.. Enumerable.Range(1, Count).Select(row => (long)row).Except(Good.Keys)];

    public void Dispose()
    {
        foreach (ApplicantOfBatch row in _rows)
        {
            row.Key?.Dispose();
        }
    }
}
